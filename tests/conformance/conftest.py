"""The gateway of a worker and its recording upstream, as the gateway's own tests have them."""

from tests.gateway.conftest import gateway, recorder

__all__ = ["gateway", "recorder"]
