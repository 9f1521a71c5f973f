#pragma once

#include <filesystem>
#include <string>
#include <vector>

/// What the programs of tests/gpu/check find: printed line by line as it is found, and written as JSON at the end.
namespace gpu_check {

struct Line {
    std::string group, name;
    double value = 0;
    std::string unit;
    std::string wanted;  ///< "= 0", "<= 1e-5"; empty where there is nothing to hold it to.
    bool is_good = true;
};

class Record {
  public:
    /// Something that must be at most `limit`.
    void at_most(const std::string& group, const std::string& name, double value, double limit,
                 const std::string& unit = "");
    /// Something that is as it must be, or is not.
    void holds(const std::string& group, const std::string& name, bool is_good);
    /// A figure without a limit.
    void figure(const std::string& group, const std::string& name, double value, const std::string& unit);
    /// What kept a whole group from being looked at.
    void failure(const std::string& group, const std::string& reason);

    /// Value of a figure; 0 where there is none.
    double value(const std::string& group, const std::string& name) const;
    bool is_good() const;
    void write_json(const std::filesystem::path& file, const std::string& card) const;

  private:
    void add(Line line);

    std::vector<Line> lines_;
};

/// Runs one group; what it throws is its failure, and the other groups go on.
template <class Work>
void run_group(Record& record, const std::string& group, const Work& work) {
    try {
        work();
    } catch (const std::exception& error) {
        record.failure(group, error.what());
    }
}

}  // namespace gpu_check
