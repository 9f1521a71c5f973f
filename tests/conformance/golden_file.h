#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "pipeline/data/hdf5.h"

namespace conformance {

/// One HDF5 file of a golden folder. Settings are attributes; a missing one that is needed is an error with its name.
class GoldenFile {
  public:
    explicit GoldenFile(const std::filesystem::path& path);

    bool has(const std::string& name) const { return file_.has(name); }
    bool has_attribute(const std::string& object, const std::string& name) const;
    /// Members of a group that are groups, and those that are datasets, sorted. "/" is the root.
    std::vector<std::string> groups(const std::string& group) const;
    std::vector<std::string> datasets(const std::string& group) const;

    at::Tensor read(const std::string& name) const { return file_.read(name); }
    std::vector<int> read_integers(const std::string& name) const;

    std::string text(const std::string& object, const std::string& name) const;
    double number(const std::string& object, const std::string& name) const;
    std::int64_t integer(const std::string& object, const std::string& name) const;
    std::vector<double> numbers(const std::string& object, const std::string& name) const;
    std::optional<std::string> text_if_any(const std::string& object, const std::string& name) const;
    std::optional<double> number_if_any(const std::string& object, const std::string& name) const;

    const pipeline::Hdf5File& hdf5() const { return file_; }

  private:
    pipeline::Hdf5Attribute attribute(const std::string& object, const std::string& name) const;
    std::vector<std::string> members(const std::string& group, bool are_groups) const;

    std::filesystem::path path_;
    pipeline::Hdf5File file_;
};

/// A path inside a file: "x" in the root "/", "group/x" elsewhere.
std::string inside(const std::string& group, const std::string& name);

}  // namespace conformance
