#include <iostream>

#include "jobs/campaign.h"
#include "workers/commands.h"
#include "workers/requests.h"
#include "workers/verdict.h"

namespace workers {

namespace {

int request_of(Arguments& arguments, const std::string& command, Request request) {
    const std::filesystem::path folder = arguments.only_word(command, "a run's folder");
    arguments.expect_no_options(command);
    const jobs::Campaign campaign = jobs::Campaign::open(folder);
    leave_request(campaign.folder(), request);
    std::cout << folder.string() << ": " << (request == Request::drain ? "draining" : "stopping")
              << "; 'diffinv status' says how it stands\n";
    return exit_done;
}

}  // namespace

int drain_command(Arguments& arguments) {
    return request_of(arguments, "drain", Request::drain);
}

int cancel_command(Arguments& arguments) {
    return request_of(arguments, "cancel", Request::cancel);
}

}  // namespace workers
