#pragma once

namespace cluster {

/// Takes over TERM, INT, HUP and USR1 of this process: they are noted instead of ending it. Called before MPI_Init,
/// since the default action of USR1 is death and mpirun forwards it as the signal to drain.
void install_signal_handlers();

/// The last of TERM, INT and HUP that arrived, or 0.
int termination_signal();

/// True once USR1 has arrived: finish what runs, begin nothing new.
bool is_drain_requested();

/// How many USR1 have arrived, for who passes them on.
int drain_requests();

/// Ties this process to the one that started it: the kernel sends `signal` when that one is gone, however it went.
/// @param parent  its process id as seen before; where it is gone already, this process ends at once
void die_with_parent(int signal, int parent);

}  // namespace cluster
