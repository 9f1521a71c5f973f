#include <iostream>

#include "jobs/merge.h"
#include "workers/commands.h"
#include "workers/verdict.h"

namespace workers {

int merge_command(Arguments& arguments) {
    const jobs::Campaign campaign = jobs::Campaign::open(arguments.only_word("merge", "a run's folder"));
    arguments.expect_no_options("merge");
    const jobs::MergeResult result = jobs::merge(campaign);
    std::cout << result.rows << " rows";
    if (result.units_missing > 0) std::cout << "; " << result.units_missing << " units are missing";
    std::cout << "\n" << result.results.string() << "\n" << result.csv.string() << "\n";
    return exit_done;
}

}  // namespace workers
