#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/paths.h"

// What is written in docs/ and README.md, taken apart so that it can be held to the program.
namespace test_docs {

/// A fenced block: ```LANGUAGE, and what stands between the fences.
struct CodeBlock {
    std::string language;
    std::string text;
};
std::vector<CodeBlock> code_blocks(const std::string& page);

/// The rows of the first table below the line that is this heading, cells trimmed, without the table's head.
std::vector<std::vector<std::string>> table_below(const std::string& page, const std::string& heading);

/// The text of `code`, or the cell itself where it is not set as code.
std::string without_backticks(const std::string& cell);

/// Every page: README.md, CONVENTIONS.md and docs/*.md.
std::vector<std::filesystem::path> all_pages();
std::string page_text(const std::string& name);
std::vector<std::string> lines_of(const std::string& text);

/// A working directory as the pages take for granted: `diffinv` on the PATH and in build/release, the folders jobs and
/// docs, folders `photos` and `damaged` of three photos with their `masks`, and under the name ffhq_10m.pt the embedded
/// model.
class Sandbox {
  public:
    Sandbox();
    std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }
    test_support::CommandResult run(const std::string& command) const;

  private:
    test_support::TemporaryFolder folder_;
};

}  // namespace test_docs
