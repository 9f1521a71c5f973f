#pragma once

#include <filesystem>
#include <string>

namespace test_support {

/// The checkout.
std::filesystem::path source_folder();
/// The build folder with the program in it.
std::filesystem::path binary_folder();
/// tests/golden.
inline std::filesystem::path golden_folder() { return source_folder() / "tests" / "golden"; }

/// A fresh folder that is removed with everything in it when the test ends.
class TemporaryFolder {
  public:
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

  private:
    std::filesystem::path path_;
};

/// What a command printed and how it ended.
struct CommandResult {
    int exit_code = -1;  ///< 128 + signal where a signal ended it, as shells say it.
    std::string output;  ///< Standard output.
    std::string errors;  ///< Standard error.
};

/// Runs a shell command line and waits for it.
CommandResult run_command(const std::string& command_line);

/// A whole file; empty where there is none.
std::string read_text(const std::filesystem::path& path);
void write_text(const std::filesystem::path& path, const std::string& text);

}  // namespace test_support
