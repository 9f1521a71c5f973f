#pragma once

#include <functional>
#include <stdexcept>
#include <string>

namespace conformance {

/// Thrown where a golden case asks for something that the program does not have yet; the sentence says what.
class NotBuilt : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// The table of a run: a line per case with its name, largest error, tolerance and verdict, and the count at the end.
///
/// A case is one quantity of one group of the golden files. It passes where its error is at most the tolerance; an
/// error that is no number fails.
class Report {
  public:
    /// Runs `error` and prints the line. NotBuilt makes the case skipped, any other exception failed, with its
    /// sentence.
    void check(const std::string& group, const std::string& quantity, double tolerance,
               const std::function<double()>& error);
    /// A case of yes or no: its error is 0 where `holds`, else 1.
    void check(const std::string& group, const std::string& quantity, const std::function<bool()>& holds);
    void skip(const std::string& group, const std::string& quantity, const std::string& why);
    void fail(const std::string& group, const std::string& quantity, const std::string& why);

    /// Runs what checks a group's cases. An exception on the way there, from settings or tensors that the group should
    /// have, is one failed (NotBuilt: skipped) case of its own.
    void within(const std::string& group, const std::function<void()>& check_cases);

    /// Prints "N passed, N failed, N skipped" and gives the exit code: 0 where something passed and nothing failed.
    int finish() const;

  private:
    int passed_ = 0;
    int failed_ = 0;
    int skipped_ = 0;
};

}  // namespace conformance
