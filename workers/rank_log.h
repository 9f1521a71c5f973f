#pragma once

#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace workers {

/// A rank's own log, logs/rank-0007.jsonl: one JSON object a line with time, rank, event and what belongs to it. A line
/// is out when `note` returns, which any thread may call.
class RankLog {
  public:
    using Fields = std::vector<std::pair<std::string, std::string>>;

    /// @throws jobs::EnvironmentError  where it cannot be opened for appending
    RankLog(const std::filesystem::path& folder, int rank);
    void note(const std::string& event, const Fields& fields = {});

  private:
    std::mutex mutex_;
    std::ofstream file_;
    int rank_;
};

}  // namespace workers
