#include "worker/hugging_face/json_fields.h"
#include "worker/hugging_face/merges.h"
#include "worker/hugging_face/pre_tokenizer.h"
#include "worker/hugging_face/tokenizer_models.h"
#include "worker/model_file/printable.h"

#include <fmt/format.h>

#include <utility>

namespace worker {
namespace {

namespace json = boost::json;

// libllama reads texts as they are. Those that are not in NFC, which hardly any are, come out
// otherwise than with a normaliser.
bool is_harmless(const json::object* normalizer) {
    if (!normalizer) return true;
    const std::string_view type = text_at(*normalizer, "type").value_or("");
    const json::array* parts = array_at(*normalizer, "normalizers");
    return type == "NFC" || (type == "Sequence" && parts && parts->empty());
}

}  // namespace

Result<std::vector<GgufEntry>> plan_byte_level(const TokenizerFile& file, TokenTable& table) {
    const json::object* normalizer = object_at(file.content, "normalizer");
    if (!is_harmless(normalizer)) {
        const auto type = text_at(*normalizer, "type").value_or("of no type");
        return fail(unsupported_model(
            file.name, fmt::format("the normaliser {} is not supported", printable(type))));
    }
    auto name = name_pre_tokenizer(file.name, file.content);
    if (!name) return fail(name.error());
    const auto merges = read_merges(file.name, file.model);
    if (!merges) return fail(merges.error());
    std::vector<std::string> joined;
    joined.reserve(merges->size());
    for (const auto& [left, right] : *merges) {
        std::string whole(left);
        whole += right;
        // The file says a merge as its parts with a space between.
        if (!table.find(whole) || whole.find(' ') != std::string::npos) {
            return fail(corrupt_file(file.name, fmt::format("merge {} makes no token of the "
                                                            "vocabulary",
                                                            joined.size())));
        }
        joined.push_back(fmt::format("{} {}", left, right));
    }
    return std::vector<GgufEntry>{{"tokenizer.ggml.model", std::string("gpt2")},
                                  {"tokenizer.ggml.pre", std::move(*name)},
                                  {"tokenizer.ggml.merges", std::move(joined)}};
}

}  // namespace worker
