#include "workers/requests.h"

#include "jobs/job_error.h"
#include "pipeline/data/commit.h"
#include "pipeline/data/file_error.h"

namespace workers {

namespace {

constexpr auto drain_name = "drain", cancel_name = "cancel";

std::optional<std::filesystem::file_time_type> time_of(const std::filesystem::path& file) {
    std::error_code error;
    const std::filesystem::file_time_type time = std::filesystem::last_write_time(file, error);
    return error ? std::nullopt : std::optional(time);
}

}  // namespace

RequestReader::RequestReader(const std::filesystem::path& folder)
    : folder_(folder), old_drain_(time_of(folder / drain_name)), old_cancel_(time_of(folder / cancel_name)) {}

Request RequestReader::read() const {
    const auto is_new = [](const auto& time, const auto& old) { return time && time != old; };
    if (is_new(time_of(folder_ / cancel_name), old_cancel_)) return Request::cancel;
    if (is_new(time_of(folder_ / drain_name), old_drain_)) return Request::drain;
    return Request::none;
}

void leave_request(const std::filesystem::path& folder, Request request) {
    if (request == Request::none) return;
    try {
        pipeline::commit_bytes(folder / (request == Request::drain ? drain_name : cancel_name), "");
    } catch (const pipeline::FileError& error) {
        throw jobs::EnvironmentError(error.what());
    }
}

Request read_request(const std::filesystem::path& folder) {
    std::error_code ignored;
    if (std::filesystem::exists(folder / cancel_name, ignored)) return Request::cancel;
    if (std::filesystem::exists(folder / drain_name, ignored)) return Request::drain;
    return Request::none;
}

void remove_requests(const std::filesystem::path& folder) {
    for (const char* name : {drain_name, cancel_name}) std::filesystem::remove(folder / name);
}

}  // namespace workers
