#include "jobs/job.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "jobs/given_options.h"
#include "jobs/job_checks.h"
#include "jobs/job_error.h"
#include "jobs/job_options.h"
#include "jobs/job_values.h"
#include "jobs/suggestion.h"
#include "operators/make_operator.h"
#include "pipeline/data/file_error.h"
#include "pipeline/samplers/make_sampler.h"

namespace jobs {

namespace {

using operators::Option;
using operators::Settings;
using operators::Value;

template <typename Number>
bool read_whole(std::string_view text, Number& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size();
}

/// "5-99" → (5, 99).
std::optional<std::pair<std::int64_t, std::int64_t>> read_images(const OptionReader& reader) {
    const Given* given = reader.find("images");
    if (given == nullptr) return std::nullopt;
    const std::string& text = given->option.value;
    const std::size_t dash = text.find('-');
    std::int64_t first = 0, last = 0;
    const bool is_range = dash != std::string::npos && read_whole(std::string_view(text).substr(0, dash), first) &&
                          read_whole(std::string_view(text).substr(dash + 1), last) && first >= 0 && first <= last;
    if (!is_range) refuse(given->option.where, "not a range; allowed: FIRST-LAST with 0 ≤ FIRST ≤ LAST");
    return std::pair(first, last);
}

/// "256" → (256, 256), "240x320" → (240, 320): height, width.
std::optional<std::pair<int, int>> read_image_size(const OptionReader& reader) {
    const Given* given = reader.find("image-size");
    if (given == nullptr) return std::nullopt;
    const std::string_view text = given->option.value;
    const std::size_t cross = text.find('x');
    const std::string_view height_text = text.substr(0, cross);
    const std::string_view width_text = cross == std::string_view::npos ? height_text : text.substr(cross + 1);
    int height = 0, width = 0;
    const auto is_side = [](std::string_view side, int& number) {
        return read_whole(side, number) && number >= 1 && number <= 4096;
    };
    if (!is_side(height_text, height) || !is_side(width_text, width)) {
        refuse(given->option.where, "not a size; allowed: an integer from 1 to 4096, or HxW");
    }
    return std::pair(height, width);
}

std::uint64_t read_seed(const OptionReader& reader) {
    const Given* given = reader.find("seed");
    if (given == nullptr) return 0;
    std::uint64_t seed = 0;
    const std::string& text = given->option.value;
    if (text.find(',') != std::string::npos) items_of(given->option, find_option("seed")->option);
    if (!read_whole(std::string_view(text), seed)) {
        refuse(given->option.where, "not a seed; allowed: an integer from 0 to 18446744073709551615");
    }
    return seed;
}

/// One kind of noise: the other's setting has no effect.
void check_noise(const OptionReader& reader, bool is_poisson) {
    const Given* other = reader.find(is_poisson ? "sigma-y" : "poisson-rate");
    if (other == nullptr) return;
    refuse(other->option.where,
           is_poisson ? "noise is poisson; allowed: poisson-rate" : "noise is gaussian; allowed: sigma-y");
}

/// A number, or nothing for `auto`.
std::optional<int> read_batch(const Value& value) {
    const auto* number = std::get_if<std::int64_t>(&value);
    return number == nullptr ? std::nullopt : std::optional(static_cast<int>(*number));
}

/// "7" or "dataset"; empty where none is given.
std::string read_class(const OptionReader& reader) {
    if (reader.find("class") == nullptr) return "";
    return operators::to_string(reader.values("class").value().front());
}

/// All points of a table: the product of its lists, the last one running fastest.
std::vector<Settings> points_of(std::span<const Option> table, const OptionReader& reader) {
    std::vector<Settings> points = {Settings::defaults(table)};
    for (const Option& option : table) {
        const auto values = reader.values(option.name);
        if (!values) continue;
        std::vector<Settings> product;
        for (const Settings& point : points) {
            for (const Value& value : *values) {
                product.push_back(point);
                product.back().set(option.name, value);
            }
        }
        points = std::move(product);
    }
    return points;
}

/// The names of a table: of methods or of operators.
template <typename Entry>
std::vector<std::string> names_of(std::span<const Entry> table) {
    std::vector<std::string> names;
    for (const Entry& entry : table) names.emplace_back(entry.name);
    return names;
}

/// Refuses a word of an axis that is no name of its table.
void check_names(const OptionReader& reader, std::string_view option, const std::vector<std::string>& words,
                 const std::vector<std::string>& known) {
    for (const std::string& word : words) {
        if (std::ranges::find(known, word) != known.end()) continue;
        std::string allowed;
        for (const std::string& name : known) allowed += (allowed.empty() ? "" : ", ") + name;
        refuse(reader.find(option)->option.where, "there is no " + std::string(option) + " " +
                                                      pipeline::printable(word) + suggestion(word, known) +
                                                      "; allowed: " + allowed);
    }
}

/// Noise levels; NaN for `estimate`, which stands alone.
std::optional<std::vector<double>> read_sigma(const OptionReader& reader) {
    const auto values = reader.values("sigma-y");
    if (!values) return std::nullopt;
    std::vector<double> levels;
    for (const Value& value : *values) {
        const bool is_word = std::holds_alternative<std::string>(value);
        if (is_word && values->size() > 1) {
            refuse(reader.find("sigma-y")->option.where, "estimate is no point of a sweep; allowed: estimate alone");
        }
        levels.push_back(is_word ? std::numeric_limits<double>::quiet_NaN() : std::get<double>(value));
    }
    return levels;
}

MethodJob read_method(const std::string& name, const GivenMap& given) {
    const pipeline::MethodEntry& entry = pipeline::find_method(name);
    const OptionReader reader(given, name);
    MethodJob method;
    method.name = name;
    method.points = points_of(entry.options, reader);
    if (entry.input != pipeline::MethodInput::nothing) {
        method.operators = reader.list<std::string>("operator");
        method.sigma_y = read_sigma(reader);
        if (method.operators) check_names(reader, "operator", *method.operators, names_of(operators::operator_table()));
    }
    method.steps = reader.list<int>("steps");
    method.samples = reader.one<std::int64_t>("samples");
    if (const auto variance = reader.one<std::string>("variance"))
        method.variance = pipeline::parse_variance(*variance);
    return method;
}

/// Names of all operators that some method of the job uses, each once, in order.
std::vector<std::string> used_operators(const Job& job) {
    std::vector<std::string> used;
    const auto add = [&used](const std::string& name) {
        if (std::ranges::find(used, name) == used.end()) used.push_back(name);
    };
    for (const MethodJob& method : job.methods) {
        const pipeline::MethodEntry& entry = pipeline::find_method(method.name);
        if (entry.input == pipeline::MethodInput::nothing) continue;
        if (method.operators) {
            std::ranges::for_each(*method.operators, add);
        } else if (!entry.default_operator.empty()) {
            add(std::string(entry.default_operator));
        } else {
            std::ranges::for_each(job.operator_names, add);
        }
    }
    return used;
}

/// @param file  the job's name in messages
OperatorJob read_operator(const std::string& name, const GivenMap& given, const std::string& file) {
    const operators::OperatorEntry& entry = operators::find_operator(name);
    OperatorJob job{name, points_of(entry.options, OptionReader(given, name))};
    for (const Option& option : entry.options) {
        if (job.points.front().contains(option.name)) continue;
        throw JobError(file + ": " + name + "." + std::string(option.name) +
                       " is not given; allowed: " + operators::allowed_values(option));
    }
    return job;
}

}  // namespace

Job read_job(const std::filesystem::path& file, const Overrides& overrides) {
    const GivenMap given = gather_options(file, overrides);
    const OptionReader reader(given, "");
    const std::string file_name = file.empty() ? "command line" : pipeline::printable(file.string());
    Job job;
    job.file = file;
    for (const auto& [name, option] : given) job.text += name + " = " + option.option.value + "\n";

    // The sweep: methods and operators with their points.
    const std::vector<std::string> methods = reader.list<std::string>("method").value_or(std::vector<std::string>{});
    check_names(reader, "method", methods, names_of(pipeline::method_table()));
    for (const std::string& name : methods) job.methods.push_back(read_method(name, given));
    job.operator_names = reader.list<std::string>("operator").value_or(std::vector<std::string>{});
    check_names(reader, "operator", job.operator_names, names_of(operators::operator_table()));
    check_required(job, file_name, given);
    const std::vector<std::string> used = used_operators(job);
    for (const std::string& name : used) job.operators.push_back(read_operator(name, given, file_name));
    check_used(job, given);
    job.sigma_y = read_sigma(reader).value_or(job.sigma_y);
    job.steps = reader.list<int>("steps").value_or(job.steps);
    job.respacing = reader.one<std::string>("respacing").value_or(job.respacing);
    if (const auto variance = reader.one<std::string>("variance")) job.variance = pipeline::parse_variance(*variance);

    // What images, which network, how.
    job.dataset = reader.one<std::string>("dataset").value_or(job.dataset);
    job.measurements = reader.one<std::string>("measurements").value_or(job.measurements);
    check_measurements(job, given);
    job.images = read_images(reader);
    job.model = reader.one<std::string>("model").value_or("");
    job.model_preset = reader.one<std::string>("model-preset").value_or("");
    job.image_size = read_image_size(reader);
    job.seed = read_seed(reader);
    job.class_label = read_class(reader);
    job.clip = reader.one<bool>("clip");
    const bool is_poisson = reader.one<std::string>("noise").value_or("gaussian") == "poisson";
    if (is_poisson) job.poisson_rate = reader.one<double>("poisson-rate").value_or(1.0);
    check_noise(reader, is_poisson);
    if (const auto word = reader.one<std::string>("precision")) job.precision = pipeline::parse_precision(*word);
    job.noise_on_unobserved = reader.one<bool>("noise-on-unobserved").value_or(job.noise_on_unobserved);
    job.samples = reader.one<std::int64_t>("samples").value_or(job.samples);
    if (const auto batch = reader.values("batch")) job.batch = read_batch(batch->front());
    job.threads = static_cast<int>(reader.one<std::int64_t>("threads").value_or(job.threads));
    job.device = reader.one<std::string>("device").value_or(job.device);
    job.lpips = reader.one<std::string>("lpips").value_or(job.lpips);
    const bool is_uint8 = reader.one<std::string>("store").value_or("float32") == "uint8";
    job.store = is_uint8 ? pipeline::Store::uint8 : pipeline::Store::float32;
    return job;
}

}  // namespace jobs
