"""Requests of the control process to URLs that people or servers name; made by `upstream/outbound.py`."""

from toolgate.upstream.outbound import Fetched as Fetched
from toolgate.upstream.outbound import OutboundError as OutboundError
from toolgate.upstream.outbound import fetch as fetch
