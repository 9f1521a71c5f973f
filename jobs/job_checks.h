#pragma once

#include <string>

#include "jobs/given_options.h"
#include "jobs/job.h"

namespace jobs {

/// Refuses a job that lacks what its methods need.
/// @param file  the job's name in messages
/// @throws JobError
void check_required(const Job& job, const std::string& file, const GivenMap& given);

/// Refuses what would silently do nothing: sections of methods and operators that the job does not use, and options of
/// the job that no method takes; and options that exclude each other.
/// @throws JobError
void check_used(const Job& job, const GivenMap& given);

/// What is there to restore excludes what only simulated measurements have, and the reverse.
/// @throws JobError
void check_measurements(const Job& job, const GivenMap& given);

}  // namespace jobs
