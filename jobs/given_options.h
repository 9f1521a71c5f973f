#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "jobs/job.h"
#include "jobs/job_file.h"
#include "operators/option.h"

namespace jobs {

/// A given option and where its relative paths begin.
struct Given {
    GivenOption option;
    std::filesystem::path base;
};

/// All that was given, by name.
using GivenMap = std::map<std::string, Given>;

/// The options of a job file and of a command line, which wins.
/// @throws JobError  as `read_job_file`
GivenMap gather_options(const std::filesystem::path& file, const Overrides& overrides);

/// Reads the options of one section ("" for the job's own) out of what was given.
class OptionReader {
  public:
    OptionReader(const GivenMap& given, std::string section) : given_(given), section_(std::move(section)) {}

    /// Null where the option was not given.
    const Given* find(std::string_view name) const;

    /// All values of an option, paths made absolute; nothing where it was not given.
    /// @throws JobError  where a value is not allowed
    std::optional<std::vector<operators::Value>> values(std::string_view name) const;

    /// The same as values of the type that the option's table says (int for integers of that range).
    template <typename T>
    std::optional<std::vector<T>> list(std::string_view name) const {
        const auto all = values(name);
        if (!all) return std::nullopt;
        std::vector<T> list;
        for (const operators::Value& value : *all) {
            if constexpr (std::is_same_v<T, int>) {
                list.push_back(static_cast<int>(std::get<std::int64_t>(value)));
            } else {
                list.push_back(std::get<T>(value));
            }
        }
        return list;
    }

    /// The only value of an option that is no axis.
    template <typename T>
    std::optional<T> one(std::string_view name) const {
        const auto all = values(name);
        return all ? std::optional<T>(std::get<T>(all->front())) : std::nullopt;
    }

  private:
    std::string full_name(std::string_view name) const;
    const GivenMap& given_;
    std::string section_;
};

}  // namespace jobs
