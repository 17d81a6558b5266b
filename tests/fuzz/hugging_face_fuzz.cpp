// Any bytes are a configuration or a tokeniser: judging a model by it ends in a plan, or in an
// error of one line.
#include "tests/support/model_directory.h"
#include "worker/base/json.h"
#include "worker/hugging_face/conversion_plan.h"

#include <boost/json/serialize.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <span>
#include <string>

namespace {

using worker::directory_families;

const worker::ModelDirectory& valid_directory(std::size_t family) {
    static std::map<std::size_t, worker::ModelDirectory> directories;
    const auto [entry, is_new] = directories.try_emplace(family);
    if (is_new) entry->second = worker::tiny_directory(directory_families[family]);
    return entry->second;
}

boost::json::object& part(worker::ModelDirectory& directory, unsigned which) {
    switch (which % 4) {
        case 0: return directory.config;
        case 1: return directory.tokenizer;
        case 2: return directory.tokenizer_config;
        default: return directory.generation_config;
    }
}

// The text of a file whose bytes are changed, in steps of three (place, place, value).
std::string changed(std::string text, std::span<const std::uint8_t> changes) {
    for (std::size_t i = 0; i + 2 < changes.size(); i += 3)
        text[(changes[i] << 8 | changes[i + 1]) % text.size()] = static_cast<char>(changes[i + 2]);
    return text;
}

bool is_sound(const worker::ConversionPlan& plan, const worker::ModelDirectory& directory) {
    for (const worker::PlannedTensor& tensor : plan.tensors) {
        if (tensor.sources.empty() == tensor.values.empty()) return false;
        for (const std::string& source : tensor.sources)
            if (!directory.tensors.contains(source)) return false;
    }
    return true;
}

}  // namespace

// The first byte says the family, the second which file is given or changed; the rest is its text,
// what is put into it field by field, or changes of its bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    worker::ModelDirectory directory = valid_directory(data[0] % directory_families.size());
    boost::json::object& target = part(directory, data[1]);
    const std::span rest(data + 2, size - 2);
    const bool changes = data[1] / 4 % 3 == 0;
    const auto value = worker::parse_json(changes ? changed(serialize(target), rest)
                                                  : std::string(rest.begin(), rest.end()));
    const boost::json::object* object = value ? value->if_object() : nullptr;
    if (!object) return 0;
    if (data[1] / 4 % 3 == 1) target.clear();
    for (const auto& [key, field] : *object) target[key] = field;
    const auto plan = worker::plan_conversion(directory);
    if (!plan && plan.error().message.find('\n') != std::string::npos) std::abort();
    if (plan && !is_sound(*plan, directory)) std::abort();
    return 0;
}
