// A real authorization server and OpenID provider, for tests. Run with one argument, a JSON object:
//   clients: registered clients (metadata as in OpenID Connect Dynamic Client Registration)
//   accounts: { login: claims }; whoever signs in with another login is `login` at example.com
//   scopes: what access tokens of resources may say, "" separated by spaces
//   tokenTtl, refreshTtl: seconds; port: 0 for any; path: of the issuer ("/tenant")
//   documents: { origin: where it really is }, for client identifiers that are URLs, which are fetched then
//   overrides: merged into the provider's configuration; metadata: merged into what discovery says
// Says {"issuer": ...} in one line once it listens, then one line for each event that a test may count. It ends when
// its standard input does.
import { createRequire } from 'node:module';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

const require = createRequire(process.env.OIDC_MODULES ?? `${process.cwd()}/.venvs/oidc/`);
const { default: Provider } = await import(pathToFileURL(require.resolve('oidc-provider')).href);

const settings = JSON.parse(process.argv[2] ?? '{}');
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const ttl = settings.tokenTtl ?? 3600;

async function findAccount(_ctx, id) {
  const known = settings.accounts?.[id] ?? { email: `${id}@example.com`, email_verified: true, name: id };
  return { accountId: id, claims: async () => ({ sub: id, ...known }) };
}

async function getResourceServerInfo(_ctx, resource) {
  return {
    scope: settings.scopes ?? '',
    audience: resource,
    accessTokenFormat: 'jwt',
    accessTokenTTL: ttl,
    jwt: { sign: { alg: 'RS256' } },
  };
}

// What the network of an installation would do: the public name of a control plane leads to where it listens.
async function fetchDocument(url, options) {
  const { origin, pathname } = new URL(url);
  const real = settings.documents[origin];
  return fetch(`${real}${pathname}`, { method: 'GET', headers: { accept: options.headers.accept }, redirect: 'manual' });
}

const listener = createServer();
await new Promise((resolve) => { listener.listen(settings.port ?? 0, '127.0.0.1', resolve); });
const issuer = `http://127.0.0.1:${listener.address().port}${settings.path ?? ''}`;

const provider = new Provider(issuer, {
  clients: settings.clients ?? [],
  findAccount,
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
  scopes: ['openid', 'offline_access', ...(settings.scopes ? settings.scopes.split(' ') : [])],
  pkce: { required: () => true },
  cookies: { keys: ['only for tests'] },
  rotateRefreshToken: true,
  issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
  ttl: {
    AccessToken: ttl, AuthorizationCode: 60, Grant: 86400, IdToken: 3600, Interaction: 600, Session: 86400,
    RefreshToken: settings.refreshTtl ?? 86400,
  },
  features: {
    devInteractions: { enabled: true },
    registration: { enabled: true },
    revocation: { enabled: true },
    introspection: { enabled: true },
    rpInitiatedLogout: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: async () => undefined,
      useGrantedResource: async () => true,
      getResourceServerInfo,
    },
    ...(settings.documents ? { clientIdMetadataDocument: { enabled: true, ack: 'draft-02' } } : {}),
    ...settings.features,
  },
  ...(settings.documents ? { fetch: fetchDocument } : {}),
  discovery: settings.metadata ?? {},
  ...settings.overrides,
});

provider.on('grant.success', (ctx) => say({ event: 'grant', type: ctx.oidc.params.grant_type, client: ctx.oidc.client.clientId, resource: ctx.oidc.params.resource }));
provider.on('grant.error', (ctx, error) => say({ event: 'grant.error', type: ctx.oidc.params?.grant_type, error: error.error }));
provider.on('registration_create.success', (_ctx, client) => say({ event: 'registered', client: client.clientId }));
provider.on('refresh_token.destroyed', () => say({ event: 'refresh_token.destroyed' }));
provider.on('grant.revoked', () => say({ event: 'revoked' }));
provider.on('server_error', (_ctx, error) => process.stderr.write(`${error.stack}\n`));

const answer = provider.callback();
const prefix = settings.path ?? '';
listener.on('request', (request, response) => {
  if (prefix && request.url.startsWith(prefix)) {
    request.originalUrl = request.url;
    request.url = request.url.slice(prefix.length) || '/';
  }
  answer(request, response);
});
say({ issuer });
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
