#include "workers/verdict.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "pipeline/data/commit.h"

namespace workers {

void write_verdict(const std::filesystem::path& folder, const Verdict& verdict) {
    using Json = nlohmann::json;
    Json quarantined = Json::array();
    for (const QuarantinedUnit& unit : verdict.quarantined) {
        quarantined.push_back({{"unit", unit.number}, {"reason", unit.reason}});
    }
    const Json json = {{"exit_code", verdict.exit_code},
                       {"reason", verdict.reason},
                       {"quarantined", std::move(quarantined)},
                       {"launch", verdict.launch},
                       {"may_start_again", verdict.may_start_again}};
    pipeline::commit_bytes(folder / "verdict.json", json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

std::optional<Verdict> read_verdict(const std::filesystem::path& folder) {
    using Json = nlohmann::json;
    std::ifstream file(folder / "verdict.json");
    const Json json = Json::parse(file, nullptr, false);
    if (!json.is_object()) return std::nullopt;
    try {
        Verdict verdict;
        json.at("exit_code").get_to(verdict.exit_code);
        json.at("reason").get_to(verdict.reason);
        json.at("launch").get_to(verdict.launch);
        json.at("may_start_again").get_to(verdict.may_start_again);
        for (const Json& entry : json.at("quarantined")) {
            verdict.quarantined.push_back(
                {entry.at("unit").get<std::int64_t>(), entry.at("reason").get<std::string>()});
        }
        return verdict;
    } catch (const Json::exception&) {
        return std::nullopt;
    }
}

void remove_verdict(const std::filesystem::path& folder) {
    std::filesystem::remove(folder / "verdict.json");
}

}  // namespace workers
