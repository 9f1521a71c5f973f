#include <filesystem>
#include <fstream>
#include <iostream>
#include <system_error>

#include "jobs/job_error.h"
#include "pipeline/data/file_error.h"
#include "pipeline/networks/guided_diffusion.h"
#include "pipeline/networks/model.h"
#include "pipeline/networks/safetensors.h"
#include "workers/commands.h"
#include "workers/verdict.h"

namespace workers {

namespace {

/// Both files under temporary names first, so that a folder never holds half a checkpoint under the right ones.
void write_checkpoint(const pipeline::ModelDescription& description, const std::filesystem::path& folder) {
    const std::filesystem::path weights = folder / "model.safetensors";
    const std::filesystem::path settings = folder / "config.json";
    for (const auto& path : {weights, settings}) {
        if (std::filesystem::exists(path)) throw jobs::JobError(path.string() + ": exists; nothing is overwritten");
    }
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) throw jobs::JobError("to = " + folder.string() + ": cannot be made: " + error.message());

    const std::filesystem::path weights_tmp = folder / "model.safetensors.tmp";
    const std::filesystem::path settings_tmp = folder / "config.json.tmp";
    pipeline::write_safetensors(weights_tmp, pipeline::read_model_weights(description));
    std::ofstream file(settings_tmp, std::ios::binary | std::ios::trunc);
    file << pipeline::guided_diffusion_flags(description).dump(2) << "\n";
    if (!file.flush()) throw jobs::JobError(settings_tmp.string() + ": cannot be written");
    std::filesystem::rename(weights_tmp, weights);
    std::filesystem::rename(settings_tmp, settings);
    std::cout << weights.string() << "\n" << settings.string() << "\n";
}

}  // namespace

int convert_command(Arguments& arguments) {
    const std::filesystem::path path = arguments.only_word("convert", "a checkpoint");
    const std::string preset = arguments.take("model-preset").value_or("");
    const std::optional<std::string> folder = arguments.take("to");
    arguments.expect_no_options("convert");
    if (!folder || folder->empty()) throw jobs::JobError("convert: --to FOLDER is not given");
    try {
        const pipeline::ModelDescription description = pipeline::describe_model(path, preset);
        write_checkpoint(description, *folder);
        for (const std::string& note : description.notes) std::cout << "note: " << pipeline::printable(note) << "\n";
    } catch (const pipeline::CheckpointError& error) {
        throw jobs::JobError(error.what());
    }
    return exit_done;
}

}  // namespace workers
