"""A server on 127.0.0.1 that speaks Leap's protocol to the unmodified D-Wave cloud client."""

from leap_server.faults import Fault
from leap_server.nonlinear import hybrid_nl
from leap_server.server import LeapServer
from leap_server.solvers import hybrid_bqm, hybrid_cqm, qpu

__all__ = ["Fault", "LeapServer", "hybrid_bqm", "hybrid_cqm", "hybrid_nl", "qpu"]
