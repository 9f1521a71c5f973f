// libFuzzer on the job file: any text is a job or refused with JobError in one line.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "jobs/job.h"
#include "jobs/job_error.h"
#include "pipeline/data/file_error.h"

namespace {

/// One file in memory for the whole process.
const std::filesystem::path& job_path() {
    static const std::filesystem::path path = [] {
        std::string pattern = "/dev/shm/diffinv-fuzz-XXXXXX";
        if (mkdtemp(pattern.data()) == nullptr) std::abort();
        return std::filesystem::path(pattern) / "job.ini";
    }();
    return path;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::ofstream(job_path(), std::ios::binary | std::ios::trunc)
        .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
    try {
        static_cast<void>(jobs::read_job(job_path(), {}));
    } catch (const jobs::JobError& error) {
        if (pipeline::printable(error.what()).find('\n') != std::string::npos) std::abort();
    }
    return 0;
}
