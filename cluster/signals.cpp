#include "cluster/signals.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <initializer_list>

namespace cluster {

namespace {

volatile sig_atomic_t noted_termination = 0;
volatile sig_atomic_t noted_drains = 0;

void note_termination(int signal) {
    noted_termination = signal;
}
void note_drain(int) {
    noted_drains = noted_drains + 1;
}

}  // namespace

void install_signal_handlers() {
    struct sigaction action = {};
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    action.sa_handler = note_termination;
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaction(signal, &action, nullptr);
    action.sa_handler = note_drain;
    sigaction(SIGUSR1, &action, nullptr);
}

int termination_signal() {
    return noted_termination;
}

bool is_drain_requested() {
    return noted_drains > 0;
}

int drain_requests() {
    return noted_drains;
}

void die_with_parent(int signal, int parent) {
    prctl(PR_SET_PDEATHSIG, signal);
    // The parent may have died before the line above.
    if (getppid() != parent) _exit(128 + signal);
}

}  // namespace cluster
