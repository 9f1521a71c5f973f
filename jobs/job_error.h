#pragma once

#include <stdexcept>
#include <string>

namespace jobs {

/// The user's mistake, found while planning: one line with file, option, value and what is allowed. Exit code 2.
class JobError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// Something the machine lacks: no device, no weights, no room. Exit code 4.
class EnvironmentError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

}  // namespace jobs
