#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "pipeline/data/hdf5.h"
#include "tests/support/paths.h"

// The commands that start nothing, and refusals of the command line.

namespace {

namespace fs = std::filesystem;
using test_support::CommandResult;
using test_support::TemporaryFolder;

const fs::path quickstart_of_commands = test_support::source_folder() / "jobs" / "quickstart";

CommandResult diffinv(const std::string& words) {
    return test_support::run_command((test_support::binary_folder() / "diffinv").string() + " " + words);
}

bool contains(const std::string& text, const std::string& words) {
    return text.find(words) != std::string::npos;
}

void expect_one_line(const CommandResult& result, int exit_code, const std::string& words) {
    EXPECT_EQ(result.exit_code, exit_code) << result.errors;
    EXPECT_EQ(result.output, "");
    EXPECT_TRUE(result.errors.starts_with("diffinv: ")) << result.errors;
    EXPECT_EQ(std::count(result.errors.begin(), result.errors.end(), '\n'), 1) << result.errors;
    EXPECT_TRUE(contains(result.errors, words)) << result.errors;
}

}  // namespace

TEST(Commands, HelpForEach) {
    for (const std::string command :
         {"plan", "run", "status", "merge", "report", "list", "inspect", "convert", "export", "version"}) {
        const CommandResult result = diffinv(command + " --help");
        EXPECT_EQ(result.exit_code, 0);
        EXPECT_TRUE(contains(result.output, "diffinv " + command)) << command;
        EXPECT_EQ(result.errors, "");
    }
    EXPECT_TRUE(contains(diffinv("--help").output, "diffinv run JOB"));
    EXPECT_TRUE(contains(diffinv("run --help").output, "--sigma-y"));
}

TEST(Commands, WrongCommandLinesAreOneLine) {
    expect_one_line(diffinv(""), 2, "no command");
    expect_one_line(diffinv("rum job.ini"), 2, "rum");
    expect_one_line(diffinv("run"), 2, "a job file");
    expect_one_line(diffinv("run a b"), 2, "2 names");
    expect_one_line(diffinv("run job.ini --workers 0"), 2, "workers: '0'");
    expect_one_line(diffinv("run job.ini --workers 2x"), 2, "workers: '2x'");
    expect_one_line(diffinv("run job.ini --workers 1 --workers 2"), 2, "repeated");
    expect_one_line(diffinv("run job.ini --seed"), 2, "seed");
    expect_one_line(diffinv("list samplers"), 2, "samplers");
    expect_one_line(diffinv("status /nowhere"), 2, "/nowhere");
    expect_one_line(diffinv("report"), 2, "no folder");
    expect_one_line(diffinv("report /nowhere"), 2, "/nowhere");
    expect_one_line(diffinv("report /nowhere /tmp"), 2, "--to FILE");
    expect_one_line(diffinv("report /nowhere --to /"), 2, "to: '/'");
    expect_one_line(diffinv("report . --pdf"), 2, "pdf");
    expect_one_line(diffinv("report . --images 9"), 2, "images: '9'");
    expect_one_line(diffinv("status . --verbose yes"), 2, "verbose");
    expect_one_line(diffinv("inspect /nowhere.h5"), 2, "/nowhere.h5");
    expect_one_line(diffinv("inspect /nowhere.safetensors"), 2, "/nowhere.safetensors");
}

TEST(Commands, DeviceThatThisProgramHasNotIsExitCodeFour) {
    const TemporaryFolder folder;
    const CommandResult result = diffinv("run " + (quickstart_of_commands / "poster_table.ini").string() +
                                         " --device cuda --output " + (folder / "out").string());
    expect_one_line(result, 4, "cuda");
    EXPECT_FALSE(fs::exists(folder / "out"));
}

TEST(Commands, WithoutAGpuAutoTakesTheCpuAndSaysSoAndPrecisionsOfGpusAreRefused) {
    // No GPU for this process, whatever the machine has.
    const auto without_gpu = [](const std::string& words) {
        return run_command("CUDA_VISIBLE_DEVICES= " + program() + " " + words);
    };
    const TemporaryFolder folder;
    const std::string job = write_job(folder, "images = 0-1\nbatch = 2\nsteps = 2\nmethod = sdedit\noperator = box\n");
    const std::string out = " --output " + (folder / "out").string();
    expect_one_line(without_gpu("run " + job + out + " --device cpu --precision bfloat16"), 2, "float32");
    expect_one_line(without_gpu("run " + job + out + " --precision tf32"), 4, "needs a GPU");
    expect_one_line(without_gpu("run " + job + out + " --batch auto"), 2, "allowed without one is an integer");
    expect_one_line(without_gpu("trial " + job), 4, "there is no GPU");
    expect_one_line(without_gpu("run " + job + out + " --precision float16"), 2, "float32, tf32, bfloat16");
    EXPECT_FALSE(fs::exists(folder / "out"));
    EXPECT_TRUE(contains(without_gpu("plan " + job).output, "device: cpu (auto: "));
    const CommandResult run = without_gpu("run " + job + out);
    EXPECT_EQ(run.exit_code, 0) << run.errors;
    EXPECT_TRUE(contains(run.output, "device: cpu (auto: ")) << run.output;
    // What was found once is in the plan.
    const CommandResult again = without_gpu("run " + job + out + " --batch auto");
    EXPECT_TRUE(contains(again.output, "all done before")) << again.output << again.errors;
    // The machine that submits needs no GPU, but must know the batch.
    const std::string submit = "submit " + job + out + " --print --time 5 --gpus-per-node ";
    EXPECT_EQ(without_gpu(submit + "1 --precision bfloat16").exit_code, 0);
    expect_one_line(without_gpu(submit + "0 --precision bfloat16"), 2, "--gpus-per-node 0");
    expect_one_line(without_gpu(submit + "0 --device cuda"), 2, "--gpus-per-node 0");
    expect_one_line(without_gpu(submit + "1 --batch auto"), 2, "submitting needs a number");
}

TEST(Commands, ListShowsEverySetting) {
    const CommandResult methods = diffinv("list methods");
    EXPECT_EQ(methods.exit_code, 0) << methods.errors;
    for (const std::string words :
         {"dps", "dps.zeta", "sdedit.t-start", "score_ald.preset", "ddim.eta", "may be a list"}) {
        EXPECT_TRUE(contains(methods.output, words)) << words;
    }
    const CommandResult operators = diffinv("list operators");
    for (const std::string words : {"box.size", "random.fraction", "gaussian_blur.std", "mask.file", "default"}) {
        EXPECT_TRUE(contains(operators.output, words)) << words;
    }
    const CommandResult metrics = diffinv("list metrics");
    for (const std::string words : {"psnr", "ssim", "lpips"}) EXPECT_TRUE(contains(metrics.output, words)) << words;
}

TEST(Commands, PlanCountsAndWritesNothing) {
    const TemporaryFolder folder;
    const CommandResult result = test_support::run_command(
        "cd " + folder.path().string() + " && " + (test_support::binary_folder() / "diffinv").string() + " plan " +
        (quickstart_of_commands / "poster_table.ini").string() + " --images 0-2 --batch 2 --steps 10");
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    EXPECT_TRUE(contains(result.output, "plan digest ")) << result.output;
    EXPECT_TRUE(contains(result.output, "network calls")) << result.output;
    EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(Commands, InspectAModel) {
    const CommandResult result = diffinv("inspect " + (quickstart_of_commands / "model").string());
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    EXPECT_TRUE(contains(result.output, "3319075")) << result.output;
    EXPECT_TRUE(contains(result.output, "1.76")) << result.output;
    EXPECT_TRUE(contains(result.output, "SHA-256")) << result.output;
    EXPECT_TRUE(contains(result.output, "linear schedule")) << result.output;
}

TEST(Commands, ConvertWritesWhatInspectReads) {
    const TemporaryFolder folder;
    const std::string golden = (test_support::golden_folder() / "weights").string();
    const std::string to = (folder / "new").string();
    expect_one_line(diffinv("convert " + golden + "/gd_e.pt"), 2, "--to FOLDER is not given");
    const CommandResult result = diffinv("convert " + golden + "/gd_e.pt --to " + to);
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    EXPECT_TRUE(contains(result.output, "model.safetensors\n")) << result.output;
    const CommandResult inspection = diffinv("inspect " + to);
    EXPECT_EQ(inspection.exit_code, 0) << inspection.errors;
    EXPECT_TRUE(contains(inspection.output, "183971")) << inspection.output;
    // What was left to a default is now written down
    EXPECT_FALSE(contains(inspection.output, "note")) << inspection.output;
    expect_one_line(diffinv("convert " + golden + "/gd_e.pt --to " + to), 2, "nothing is overwritten");
    expect_one_line(diffinv("convert " + golden + "/gd_e.pt --to /proc/no"), 2, "cannot be made");
    expect_one_line(diffinv("inspect " + golden + "/gd_e_legacy.pt"), 2, "model-preset (ffhq_10m");
    expect_one_line(diffinv("inspect " + golden + "/gd_e_legacy.pt --model-preset nobody"), 2, "'nobody' is none");
    expect_one_line(diffinv("inspect " + (test_support::golden_folder() / "loader/forbidden_reduce.pt").string()), 2,
                    "names the global posix.getcwd");
}

TEST(Commands, ClassesOfANumberAndOfTheDataset) {
    const TemporaryFolder folder;
    const std::string golden = (test_support::golden_folder() / "weights").string();
    int number = 0;
    for (const auto& photo : fs::directory_iterator(quickstart_of_commands / "images")) {
        if (!photo.path().string().ends_with(".png") && !photo.path().string().ends_with(".jpg")) continue;
        const fs::path class_folder = folder / "photos" / (number % 2 == 0 ? "b" : "a");
        fs::create_directories(class_folder);
        fs::copy(photo.path(), class_folder / photo.path().filename());
        if (++number == 4) break;
    }
    ASSERT_EQ(number, 4);
    test_support::write_text(folder / "job.ini", "dataset = photos\nmodel = " + golden +
                                                     "/gd_b.safetensors\nmethod = sdedit\noperator = box\nsteps = 4\n"
                                                     "lpips = none\nbatch = 3\n");
    const std::string job = (folder / "job.ini").string();
    expect_one_line(diffinv("plan " + job), 2, "class is not given");
    expect_one_line(diffinv("plan " + job + " --class 10"), 2, "the network has 10 classes");
    expect_one_line(diffinv("plan " + job + " --class fish"), 2, "class");
    const auto classes_of = [&](const std::string& label) {
        const std::string run = (folder / label).string();
        const CommandResult result = diffinv("run " + job + " --class " + label + " --output " + run);
        EXPECT_EQ(result.exit_code, 0) << result.errors;
        const at::Tensor classes = pipeline::Hdf5File::open(folder / label / "results.h5").read("class");
        const auto* first = classes.const_data_ptr<std::int64_t>();
        return std::vector<std::int64_t>(first, first + classes.numel());
    };
    EXPECT_EQ(classes_of("7"), (std::vector<std::int64_t>{7, 7, 7, 7}));
    EXPECT_EQ(classes_of("dataset"), (std::vector<std::int64_t>{0, 0, 1, 1}));
}

TEST(Commands, VersionIsTheProjects) {
    const std::string project = test_support::read_text(test_support::source_folder() / "CMakeLists.txt");
    const std::size_t at = project.find("VERSION ", project.find("project(diffinv")) + 8;
    const std::string version = project.substr(at, project.find(' ', at) - at);
    const CommandResult result = diffinv("version");
    EXPECT_TRUE(result.output.starts_with("diffinv " + version + "\n")) << result.output;
    EXPECT_TRUE(contains(result.output, "Open MPI"));
}

TEST(Commands, StatusMergeAndInspectOfARun) {
    const TemporaryFolder folder;
    const std::string run = (folder / "run").string();
    ASSERT_EQ(diffinv("run " + (quickstart_of_commands / "poster_table.ini").string() +
                      " --method sdedit --sdedit.t-start 200 --operator box --images 0-1 --steps 5 --output " + run)
                  .exit_code,
              2)
        << "sections of methods that a job does not use are refused";
    test_support::write_text(folder / "job.ini", "dataset = " + (quickstart_of_commands / "images").string() +
                                                     "\nmodel = " + (quickstart_of_commands / "model").string() +
                                                     "\nimages = 0-1\nmethod = sdedit\noperator = box\nsteps = 5\n");
    const CommandResult result = diffinv("run " + (folder / "job.ini").string() + " --output=" + run);
    ASSERT_EQ(result.exit_code, 0) << result.errors;
    EXPECT_TRUE(contains(result.output, "results.h5"));
    EXPECT_TRUE(contains(diffinv("status " + run).output, "finished: 1 of 1 units"));
    EXPECT_TRUE(contains(diffinv("status " + run + " --json").output, "\"committed\": 1"));
    EXPECT_TRUE(contains(diffinv("merge " + run).output, "2 rows"));
    const CommandResult report = diffinv("report " + run + " --images 1 --intervals --csv");
    EXPECT_EQ(report.exit_code, 0) << report.errors;
    EXPECT_TRUE(contains(report.output, "95 % bootstrap interval")) << report.output;
    EXPECT_TRUE(contains(report.output, "differences.csv")) << report.output;
    expect_one_line(diffinv("report " + run + " --images 9"), 2, "images: '9' is not a whole number from 1 to 8");
    const CommandResult exported = diffinv("export " + run + " --to " + run + "/images");
    EXPECT_EQ(exported.exit_code, 0) << exported.errors;
    EXPECT_TRUE(contains(exported.output, ": 4 images")) << exported.output;
    expect_one_line(diffinv("export " + run + " --to " + run + "/images"), 2, "nothing is overwritten");
    const CommandResult inspection = diffinv("inspect " + run + "/results.h5");
    EXPECT_EQ(inspection.exit_code, 0) << inspection.errors;
    EXPECT_TRUE(contains(inspection.output, "psnr [2]")) << inspection.output;
    EXPECT_TRUE(contains(inspection.output, "Conventions: CF-1.8")) << inspection.output;
}
