"""`toolgate serve`: the gateway."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import typer

from toolgate.cli.groups import new_command
from toolgate.cli.options import ApprovalWaitOption, DataOption, data_directory, examples
from toolgate.settings import Settings
from toolgate.store.errors import BadInput
from toolgate.store.names import check_url, is_loopback, shown
from toolgate.store.roles import claimed

app = new_command()

HostOption = Annotated[str, typer.Option("--host", metavar="HOST", help="The address to listen on.")]
PortOption = Annotated[int, typer.Option("--port", min=0, max=65535, metavar="PORT", help="Where agents connect.")]
ControlPortOption = Annotated[
    int, typer.Option("--control-port", min=0, max=65535, metavar="PORT", help="Where people administer.")
]
PublicUrlOption = Annotated[
    str, typer.Option("--public-url", metavar="URL", help="How agents reach this gateway from outside.")
]
ControlHostOption = Annotated[
    str, typer.Option("--control-host", metavar="HOST", help="The address of the dashboard and the REST API.")
]
ControlUrlOption = Annotated[
    str, typer.Option("--control-url", metavar="URL", help="How people reach the dashboard from outside.")
]
CommandServersOption = Annotated[
    bool,
    typer.Option("--allow-command-servers", help="Let administrators register commands in the dashboard, too."),
]
SelfApprovalOption = Annotated[
    bool, typer.Option("--allow-self-approval", help="Let people approve the calls of grants that they hold.")
]
PublicCatalogueOption = Annotated[
    bool, typer.Option("--public-catalogue", help="Show the catalogue of tools to people who are not signed in, too.")
]
OidcIssuerOption = Annotated[
    str, typer.Option("--oidc-issuer", metavar="URL", help="Let people sign in at this OpenID provider, too.")
]
OidcClientOption = Annotated[
    str, typer.Option("--oidc-client-id", metavar="ID", help="The client that this installation is there.")
]
OidcSecretOption = Annotated[
    Path | None,
    typer.Option(
        "--oidc-secret-file",
        metavar="FILE",
        help="Its secret; else TOOLGATE_OIDC_CLIENT_SECRET, else it is a public client.",
    ),
]
OidcRoleOption = Annotated[
    list[str] | None,
    typer.Option(
        "--oidc-role",
        metavar="CLAIM=VALUE:ROLE",
        help="Who enters as what. Repeatable; without it, only people who were invited enter.",
    ),
]
AllowedHostOption = Annotated[
    list[str] | None,
    typer.Option("--allowed-host", metavar="HOST", help="A Host header to accept besides our own. Repeatable."),
]
AllowedOriginOption = Annotated[
    list[str] | None,
    typer.Option("--allowed-origin", metavar="ORIGIN", help="A web page's origin to accept. Repeatable."),
]
CountersOption = Annotated[
    Literal["memory", "sqlite"],
    typer.Option("--counters", help="Where limits are counted: sqlite for several gateways on this machine."),
]
FsyncOption = Annotated[
    Literal["always", "interval", "none"],
    typer.Option("--fsync", help="When the journal is forced to the disk: what outlives a power cut."),
]
StalenessOption = Annotated[
    float,
    typer.Option(
        "--max-staleness", min=1, metavar="SECONDS", help="Deny every call once the database was unreadable so long."
    ),
]
ConcurrencyOption = Annotated[
    int,
    typer.Option(
        "--grant-concurrency", min=1, metavar="N", help="Requests and open streams that one grant may have at once."
    ),
]
CertificateOption = Annotated[
    Path | None, typer.Option("--tls-certificate", metavar="FILE", help="Serve TLS with this certificate chain.")
]
KeyOption = Annotated[Path | None, typer.Option("--tls-key", metavar="FILE", help="Its private key.")]
ClientCaOption = Annotated[
    Path | None,
    typer.Option("--tls-client-ca", metavar="FILE", help="Demand client certificates of this authority."),
]
OAuthIssuerOption = Annotated[
    list[str] | None,
    typer.Option("--oauth-issuer", metavar="URL", help="Agents may sign in at this authorization server. Repeatable."),
]
OAuthAudienceOption = Annotated[
    str,
    typer.Option(
        "--oauth-audience", metavar="NAME", help="The audience of their tokens; by default the URL of the endpoint."
    ),
]
OAuthScopeOption = Annotated[
    list[str] | None,
    typer.Option("--oauth-scope", metavar="SCOPE", help="A scope that agents ask for when they sign in. Repeatable."),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Apply this configuration at start, and again when it changes."),
]
PruneOption = Annotated[
    bool, typer.Option("--prune", help="With --config: remove what the file made earlier and no longer names.")
]


@app.command(
    epilog=examples(
        "toolgate serve",
        "toolgate serve --config toolgate.yaml",
        "toolgate serve --data /srv/toolgate --host 0.0.0.0 --port 8484 \\\n"
        "      --public-url https://gate.example --allowed-host gate.example",
    )
)
def serve(  # noqa: PLR0913, PLR0917 - typer declares options as parameters
    data: DataOption = None,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8484,
    control_host: ControlHostOption = "127.0.0.1",
    control_port: ControlPortOption = 8485,
    public_url: PublicUrlOption = "",
    control_url: ControlUrlOption = "",
    allowed_host: AllowedHostOption = None,
    allowed_origin: AllowedOriginOption = None,
    counters: CountersOption = "memory",
    fsync: FsyncOption = "interval",
    max_staleness: StalenessOption = 60.0,
    grant_concurrency: ConcurrencyOption = 1024,
    approval_wait: ApprovalWaitOption = 45.0,
    tls_certificate: CertificateOption = None,
    tls_key: KeyOption = None,
    tls_client_ca: ClientCaOption = None,
    oauth_issuer: OAuthIssuerOption = None,
    oauth_audience: OAuthAudienceOption = "",
    oauth_scope: OAuthScopeOption = None,
    config: ConfigOption = None,
    prune: PruneOption = False,
    allow_command_servers: CommandServersOption = False,
    allow_self_approval: SelfApprovalOption = False,
    public_catalogue: PublicCatalogueOption = False,
    oidc_issuer: OidcIssuerOption = "",
    oidc_client_id: OidcClientOption = "",
    oidc_secret_file: OidcSecretOption = None,
    oidc_role: OidcRoleOption = None,
) -> None:
    """Run the gateway until it is interrupted."""
    settings = Settings(
        data=data_directory(data),
        host=host,
        port=port,
        control_port=control_port,
        public_url=_outside("--public-url", public_url),
        allowed_hosts=tuple(allowed_host or ()),
        allowed_origins=tuple(allowed_origin or ()),
        counters=counters,
        fsync=fsync,
        max_staleness=max_staleness,
        grant_concurrency=grant_concurrency,
        approval_wait=approval_wait,
        tls_certificate=tls_certificate,
        tls_key=tls_key,
        tls_client_ca=tls_client_ca,
        oauth_issuers=tuple(map(_issuer, oauth_issuer or ())),
        oauth_audience=oauth_audience,
        oauth_scopes=tuple(map(_scope, oauth_scope or ())),
        config=config.absolute() if config is not None else None,
        prune=prune,
        control_host=control_host,
        control_url=_outside("--control-url", control_url),
        allow_command_servers=allow_command_servers,
        allow_self_approval=allow_self_approval,
        public_catalogue=public_catalogue,
        oidc_issuer=oidc_issuer,
        oidc_client_id=oidc_client_id,
        oidc_secret_file=oidc_secret_file,
        oidc_roles=tuple(oidc_role or ()),
    )
    if prune and config is None:
        raise BadInput("--prune", "goes together with --config", "name the configuration file")
    if (oauth_audience or oauth_scope) and not oauth_issuer:
        raise BadInput(
            "--oauth-audience", "and --oauth-scope go together with --oauth-issuer", "name the authorization server"
        )
    _check_tls(settings)
    _check_oidc(settings)
    # Imported here, after the settings were found good: the gateway is most of the program.
    from toolgate.app import serve as run

    raise typer.Exit(run(settings))


def _outside(option: str, url: str) -> str:
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not url.isprintable() or "@" in url or "?" in url or "#" in url:
        raise BadInput(option, f"`{shown(url)}` is not an http or https URL", "write it as https://host")
    return url.rstrip("/")


def _issuer(url: str) -> str:
    """As it is: tokens name it in exactly this spelling."""
    try:
        parts = urlsplit(url)
        local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
        usable = (bool(parts.hostname) and parts.scheme == "https") or (parts.scheme == "http" and local)
    except ValueError:
        usable = False
    if not usable or not url.isprintable() or {"@", "?", "#", " ", '"'} & set(url):
        raise BadInput("--oauth-issuer", f"`{shown(url)}` is not an https URL", "write it as https://login.example")
    return url


def _scope(text: str) -> str:
    """One scope as RFC 6749 spells them: visible ASCII without quotes, backslash and spaces."""
    if not text or not all("!" <= char <= "~" and char not in '"\\' for char in text):
        raise BadInput("--oauth-scope", f"`{shown(text)}` is not a scope", "give the option once for each scope")
    return text


def _check_tls(settings: Settings) -> None:
    if (settings.tls_certificate is None) != (settings.tls_key is None):
        raise BadInput("--tls-certificate", "goes together with --tls-key", "give both or neither")
    if settings.tls_client_ca is not None and settings.tls_certificate is None:
        raise BadInput("--tls-client-ca", "needs --tls-certificate and --tls-key", "give all three")
    for file in (settings.tls_certificate, settings.tls_key, settings.tls_client_ca):
        if file is not None and not file.is_file():
            raise BadInput("--tls", f"`{shown(str(file))}` is not a file", "check the path")


def _check_oidc(settings: Settings) -> None:
    if not settings.oidc_issuer:
        if settings.oidc_client_id or settings.oidc_secret_file or settings.oidc_roles:
            raise BadInput("--oidc-client-id", "goes together with --oidc-issuer", "name the provider")
        return
    check_url("--oidc-issuer", settings.oidc_issuer, allow_private=True)
    parts = urlsplit(settings.oidc_issuer)
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise BadInput("--oidc-issuer", "would be asked in the clear who people are", "use https")
    if not settings.oidc_client_id:
        raise BadInput("--oidc-client-id", "is missing", "register a client with the provider")
    for text in settings.oidc_roles:
        claimed("--oidc-role", text)
    file = settings.oidc_secret_file
    if file is not None and not file.is_file():
        raise BadInput("--oidc-secret-file", f"`{shown(str(file))}` is not a file", "check the path")
