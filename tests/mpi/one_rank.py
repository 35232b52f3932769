"""mpi4py's communicator of one rank beside the toolkit's: the same answers to every call."""

from mpi4py import MPI

from bridges.machine.comm import Communicator, SingleRank


def answers(comm, kind):
    part, node = comm.Split(4, 0), comm.Split_type(kind)
    found = [comm.rank, comm.size, comm.bcast("x"), comm.gather(3), comm.allgather((1, 2))]
    found += [comm.barrier(), part.rank, part.size, node.rank, node.size, part.Free()]
    node.Free()
    return found


world = MPI.COMM_WORLD
print("communicator" if isinstance(world, Communicator) else "no communicator")
print(answers(world, MPI.COMM_TYPE_SHARED) == answers(SingleRank(), MPI.COMM_TYPE_SHARED))
