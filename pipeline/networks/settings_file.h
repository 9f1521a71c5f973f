#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace pipeline {

/// A JSON object from a file of at most 16 MiB. Equal keys are an error.
/// @throws CheckpointError
nlohmann::json read_settings_file(const std::filesystem::path& path);

/// The flags of a settings file, spread over one or more of its objects, looked up by name with a default. What was not
/// given is noted, what nobody looked up can be listed.
class Flags {
  public:
    /// @param file      for messages
    /// @param sections  objects in which a flag may stand; in several only with the same value
    Flags(std::string file, std::vector<nlohmann::json> sections)
        : file_(std::move(file)), sections_(std::move(sections)) {}

    /// Whose defaults hold where a flag is not given; guided-diffusion's otherwise.
    void set_family(std::string family) { family_ = std::move(family); }

    /// Values for flags that are not given, and where they come from: "the tensors' shapes".
    void set_fallback(nlohmann::json values, std::string source) {
        fallback_ = std::move(values);
        fallback_source_ = std::move(source);
    }

    bool has(const std::string& name) const;
    bool has_fallback(const std::string& name) const { return fallback_.contains(name); }
    /// @throws CheckpointError  naming file, flag, value and what is allowed
    std::int64_t integer(const std::string& name, std::int64_t absent, std::int64_t first, std::int64_t last);
    bool boolean(const std::string& name, bool absent);
    double number(const std::string& name, double absent);
    std::string word(const std::string& name, const std::string& absent, const std::vector<std::string>& allowed);
    /// Any value as JSON text.
    std::string text(const std::string& name, const std::string& absent);
    /// A list of numbers: "1,2,2" or [1, 2, 2]. "" is an empty list.
    std::vector<double> numbers(const std::string& name, const std::string& absent);
    /// Takes notice of flags that do not matter here.
    void ignore(const std::vector<std::string>& names) { looked_up_.insert(names.begin(), names.end()); }

    /// Notes an absent flag that matters: "num_heads is not given: 4 assumed, guided-diffusion's default", or the
    /// fallback that is taken.
    void note_if_absent(const std::string& name, const std::string& value);
    void note(const std::string& text) { notes_.push_back(text); }
    const std::vector<std::string>& notes() const { return notes_; }
    /// How many of the flags given were looked up.
    std::size_t known() const;
    /// Names given that nobody looked up, sorted.
    std::vector<std::string> unknown() const;

    /// "FILE: FLAG is VALUE, allowed ALLOWED"
    [[noreturn]] void refuse(const std::string& name, const std::string& value, const std::string& allowed) const;

  private:
    /// nullptr where the flag is not given.
    const nlohmann::json* find(const std::string& name);

    std::string file_;
    std::vector<nlohmann::json> sections_;
    nlohmann::json fallback_ = nlohmann::json::object();
    std::string fallback_source_;
    std::string family_ = "guided-diffusion's";
    std::set<std::string> looked_up_;
    std::vector<std::string> notes_;
};

}  // namespace pipeline
