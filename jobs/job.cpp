#include "jobs/job.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "jobs/job_error.h"
#include "jobs/job_file.h"
#include "jobs/job_options.h"
#include "jobs/job_values.h"
#include "operators/make_operator.h"
#include "pipeline/data/file_error.h"
#include "pipeline/samplers/make_sampler.h"

namespace jobs {

namespace {

using operators::Option;
using operators::OptionType;
using operators::Settings;
using operators::Value;

/// A given option and where its relative paths begin.
struct Given {
    GivenOption option;
    std::filesystem::path base;
};
using GivenMap = std::map<std::string, Given>;

GivenMap gather(const std::filesystem::path& file, const Overrides& overrides) {
    GivenMap all;
    if (!file.empty()) {
        const std::filesystem::path base = std::filesystem::absolute(file).parent_path();
        for (GivenOption& option : read_job_file(file)) all[option.name] = {option, base};
    }
    // The command line wins over the file.
    for (GivenOption& option : given_overrides(overrides)) all[option.name] = {option, std::filesystem::current_path()};
    return all;
}

/// Reads options of one section ("" for the job's own) out of what was given.
class Reader {
  public:
    Reader(const GivenMap& given, std::string section) : given_(given), section_(std::move(section)) {}

    const Given* find(std::string_view name) const {
        const auto found = given_.find(full_name(name));
        return found == given_.end() ? nullptr : &found->second;
    }
    std::string full_name(std::string_view name) const {
        return section_.empty() ? std::string(name) : section_ + "." + std::string(name);
    }
    /// All values of an option; nothing where it was not given.
    std::optional<std::vector<Value>> values(std::string_view name) const {
        const Given* given = find(name);
        if (given == nullptr) return std::nullopt;
        std::vector<Value> values = values_of(given->option, find_option(full_name(name))->option);
        if (find_option(full_name(name))->option.type == OptionType::path) {
            auto& path = std::get<std::string>(values.front());
            if (!is_word_of(name, path)) path = (given->base / path).lexically_normal().string();
        }
        return values;
    }
    template <typename T>
    std::optional<std::vector<T>> list(std::string_view name) const {
        const auto all = values(name);
        if (!all) return std::nullopt;
        std::vector<T> list;
        for (const Value& value : *all) {
            if constexpr (std::is_same_v<T, int>) {
                list.push_back(static_cast<int>(std::get<std::int64_t>(value)));
            } else {
                list.push_back(std::get<T>(value));
            }
        }
        return list;
    }
    template <typename T>
    std::optional<T> one(std::string_view name) const {
        const auto all = values(name);
        return all ? std::optional<T>(std::get<T>(all->front())) : std::nullopt;
    }

  private:
    bool is_word_of(std::string_view name, const std::string& text) const {
        const std::string words = "|" + std::string(find_option(full_name(name))->option.words) + "|";
        return words.find("|" + text + "|") != std::string::npos;
    }
    const GivenMap& given_;
    std::string section_;
};

template <typename Number>
bool read_whole(std::string_view text, Number& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size();
}

/// "5-99" → (5, 99).
std::optional<std::pair<std::int64_t, std::int64_t>> read_images(const Reader& reader) {
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
std::optional<std::pair<int, int>> read_image_size(const Reader& reader) {
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

std::uint64_t read_seed(const Reader& reader) {
    const Given* given = reader.find("seed");
    if (given == nullptr) return 0;
    std::uint64_t seed = 0;
    const auto items = items_of(given->option, find_option("seed")->option);
    if (!read_whole(std::string_view(items.front()), seed)) {
        refuse(given->option.where, "not a seed; allowed: an integer from 0 to 18446744073709551615");
    }
    return seed;
}

/// All points of a table: the product of its lists, the last one running fastest.
std::vector<Settings> points_of(std::span<const Option> table, const Reader& reader) {
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

/// The words of an axis that must be names of a table; `known` throws with the list of names.
template <typename Find>
void check_names(const Reader& reader, std::string_view option, const std::vector<std::string>& names, Find known) {
    for (const std::string& name : names) {
        try {
            known(name);
        } catch (const std::invalid_argument& error) {
            refuse(reader.find(option)->option.where, error.what());
        }
    }
}

MethodJob read_method(const std::string& name, const GivenMap& given) {
    const pipeline::MethodEntry& entry = pipeline::find_method(name);
    const Reader reader(given, name);
    MethodJob method;
    method.name = name;
    method.points = points_of(entry.options, reader);
    if (entry.input != pipeline::MethodInput::nothing) {
        method.operators = reader.list<std::string>("operator");
        method.sigma_y = reader.list<double>("sigma-y");
        if (method.operators) check_names(reader, "operator", *method.operators, operators::find_operator);
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

OperatorJob read_operator(const std::string& name, const GivenMap& given) {
    const operators::OperatorEntry& entry = operators::find_operator(name);
    OperatorJob job{name, points_of(entry.options, Reader(given, name))};
    for (const Option& option : entry.options) {
        if (job.points.front().contains(option.name)) continue;
        throw JobError(name + "." + std::string(option.name) + ": not given; operator " + name + " needs " +
                       operators::allowed_values(option));
    }
    return job;
}

/// A section that nothing uses is a mistake: a misplaced setting would silently do nothing.
void check_sections(const Job& job, const GivenMap& given) {
    std::set<std::string> used;
    for (const MethodJob& method : job.methods) used.insert(method.name);
    for (const OperatorJob& entry : job.operators) used.insert(entry.name);
    for (const auto& [name, option] : given) {
        const std::string& section = find_option(name)->section;
        if (!section.empty() && !used.contains(section)) {
            refuse(option.option.where,
                   "the job does not use " + section + "; allowed: sections of its methods and operators");
        }
    }
}

void check_required(const Job& job, const std::string& file, const GivenMap& given) {
    const auto require = [&](const char* name, const char* why) {
        if (!given.contains(name)) throw JobError(file + ": " + name + " is not given; " + why);
    };
    require("method", "allowed: names from `diffinv list methods`");
    require("model", "allowed: a .safetensors file, or a folder with model.safetensors and config.json");
    bool needs_images = false, needs_operator = false;
    for (const MethodJob& method : job.methods) {
        const pipeline::MethodEntry& entry = pipeline::find_method(method.name);
        if (entry.input == pipeline::MethodInput::nothing) continue;
        needs_images = true;
        needs_operator = needs_operator || (!method.operators && entry.default_operator.empty());
    }
    if (needs_images) require("dataset", "methods that restore need images: a folder, or FILE.h5:NAME");
    if (needs_operator) require("operator", "allowed: names from `diffinv list operators`");
    if (given.contains("operator") && !needs_operator) {
        refuse(given.at("operator").option.where, "no method of the job uses it");
    }
    if (given.contains("respacing")) {
        for (const auto& [name, option] : given) {
            if (name == "steps" || name.ends_with(".steps")) {
                refuse(option.option.where, "respacing is given too; allowed: one of the two");
            }
        }
    }
}

}  // namespace

Job read_job(const std::filesystem::path& file, const Overrides& overrides) {
    const GivenMap given = gather(file, overrides);
    const Reader reader(given, "");
    const std::string file_name = file.empty() ? "command line" : pipeline::printable(file.string());
    Job job;
    job.file = file;
    for (const auto& [name, option] : given) job.text += name + " = " + option.option.value + "\n";

    // The sweep: methods and operators with their points.
    const std::vector<std::string> methods = reader.list<std::string>("method").value_or(std::vector<std::string>{});
    check_names(reader, "method", methods, pipeline::find_method);
    for (const std::string& name : methods) job.methods.push_back(read_method(name, given));
    job.operator_names = reader.list<std::string>("operator").value_or(std::vector<std::string>{});
    check_names(reader, "operator", job.operator_names, operators::find_operator);
    check_required(job, file_name, given);
    const std::vector<std::string> used = used_operators(job);
    for (const std::string& name : used) job.operators.push_back(read_operator(name, given));
    check_sections(job, given);
    job.sigma_y = reader.list<double>("sigma-y").value_or(job.sigma_y);
    job.steps = reader.list<int>("steps").value_or(job.steps);
    job.respacing = reader.one<std::string>("respacing").value_or(job.respacing);
    if (const auto variance = reader.one<std::string>("variance")) job.variance = pipeline::parse_variance(*variance);

    // What images, which network, how.
    job.dataset = reader.one<std::string>("dataset").value_or(job.dataset);
    job.images = read_images(reader);
    job.model = reader.one<std::string>("model").value_or("");
    job.image_size = read_image_size(reader);
    job.seed = read_seed(reader);
    job.clip = reader.one<bool>("clip").value_or(job.clip);
    static_cast<void>(reader.values("noise"));
    static_cast<void>(reader.values("precision"));
    job.noise_on_unobserved = reader.one<bool>("noise-on-unobserved").value_or(job.noise_on_unobserved);
    job.samples = reader.one<std::int64_t>("samples").value_or(job.samples);
    job.batch = static_cast<int>(reader.one<std::int64_t>("batch").value_or(job.batch));
    job.threads = static_cast<int>(reader.one<std::int64_t>("threads").value_or(job.threads));
    job.device = reader.one<std::string>("device").value_or(job.device);
    job.lpips = reader.one<std::string>("lpips").value_or(job.lpips);
    const bool is_uint8 = reader.one<std::string>("store").value_or("float32") == "uint8";
    job.store = is_uint8 ? pipeline::Store::uint8 : pipeline::Store::float32;
    return job;
}

}  // namespace jobs
