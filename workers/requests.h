#pragma once

#include <filesystem>
#include <optional>

#include "workers/coordinator.h"

namespace workers {

// A run is asked to drain or to stop through files in its folder, from any machine that shares it.

/// Leaves the request; whatever runs there reads it within a second.
/// @throws jobs::EnvironmentError  where the folder cannot be written
void leave_request(const std::filesystem::path& folder, Request request);
Request read_request(const std::filesystem::path& folder);
/// Requests that are left after this is made: those of an earlier run are passed over.
class RequestReader {
  public:
    explicit RequestReader(const std::filesystem::path& folder);
    Request read() const;

  private:
    std::filesystem::path folder_;
    std::optional<std::filesystem::file_time_type> old_drain_, old_cancel_;
};

/// A new run begins without the last one's requests.
void remove_requests(const std::filesystem::path& folder);

}  // namespace workers
