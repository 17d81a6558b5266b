#include "worker/model_file/model_facts.h"

#include "worker/model_file/digest.h"
#include "worker/model_file/gguf.h"
#include "worker/model_file/hyperparameters.h"
#include "worker/model_file/printable.h"
#include "worker/model_file/vocabulary_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <unordered_set>

namespace worker {
namespace {

using Sources = std::span<const ByteSource* const>;
using Headers = std::vector<GgufHeader>;

constexpr std::string_view split_no = "split.no";

// The first shard has the model's keys; of the others only their number is kept, so that many
// shards take little more memory than one.
Result<Headers> read_headers(Sources sources) {
    Headers headers;
    std::size_t tensors = 0;
    for (const ByteSource* source : sources) {
        auto header = read_gguf_header(*source);
        if (!header) return fail(std::move(header.error()));
        if (!headers.empty())
            std::erase_if(header->values,
                          [](const auto& entry) { return entry.first != split_no; });
        tensors += header->tensors.size();
        headers.push_back(std::move(*header));
        if (tensors > gguf_tensors_max) {
            return fail(ErrorCode::model_corrupt,
                        source->name() +
                            ": the shards up to here hold too many tensors to be of "
                            "one model");
        }
    }
    return headers;
}

// The library reads a shard's number without asking for its type, and aborts on another one.
std::optional<std::int64_t> u16_value(const GgufHeader& header, std::string_view key) {
    const auto found = header.values.find(key);
    if (found == header.values.end() || found->second.type != GgufType::u16) return {};
    return header.integer(key);
}

Result<void> check_shards(Sources sources, const Headers& headers) {
    const auto given = static_cast<std::int64_t>(sources.size());
    const auto count = headers.front().integer("split.count").value_or(1);
    if (given != std::max<std::int64_t>(count, 1)) {
        return fail(ErrorCode::model_not_found,
                    fmt::format("{}: the model has {} shards, and {} of them are here under names "
                                "that end in -00001-of-{:05}.gguf and so on",
                                sources.front()->name(), count, given, count));
    }
    if (given == 1) return {};
    std::unordered_set<std::string_view> names;
    std::int64_t tensors = 0;
    for (std::size_t i = 0; i < headers.size(); ++i) {
        const auto number = u16_value(headers[i], split_no);
        if (number != static_cast<std::int64_t>(i)) {
            return fail(ErrorCode::model_corrupt,
                        fmt::format("{}: split.no is not {}; the file was renamed, or belongs to "
                                    "another model",
                                    sources[i]->name(), i));
        }
        for (const GgufTensor& tensor : headers[i].tensors) {
            if (names.insert(tensor.name).second) continue;
            return fail(ErrorCode::model_corrupt,
                        fmt::format("{}: tensor \"{}\" is in an earlier shard too; the files are "
                                    "not of one model",
                                    sources[i]->name(), printable(tensor.name)));
        }
        tensors += static_cast<std::int64_t>(headers[i].tensors.size());
    }
    const auto expected = headers.front().integer("split.tensors.count").value_or(tensors);
    if (expected == tensors) return {};
    return fail(ErrorCode::model_corrupt,
                fmt::format("{}: its shards hold {} tensors where {} belong to the model; download "
                            "them again",
                            sources.front()->name(), tensors, expected));
}

constexpr std::string_view purpose(ModelKind kind) {
    switch (kind) {
        case ModelKind::attention:
        case ModelKind::recurrent:
        case ModelKind::hybrid: return "generates text";
        case ModelKind::encoder: return "encodes text for search and comparison";
        case ModelKind::encoder_decoder: return "rewrites one text into another";
        case ModelKind::vision: return "encodes pictures";
        case ModelKind::speech: return "makes speech";
        case ModelKind::draft: return "drafts for another model";
        case ModelKind::diffusion: return "fills in text by diffusion";
    }
    __builtin_unreachable();
}

Result<const Architecture*> find_kind(const ByteSource& source, const GgufHeader& header,
                                      const Serves& serves, ModelFacts& facts) {
    const std::string* name = header.text("general.architecture");
    if (!name) {
        return fail(ErrorCode::model_corrupt,
                    source.name() + ": general.architecture is missing; get another file");
    }
    const std::string* type = header.text("general.type");
    if (type && *type != "model") {
        return fail(ErrorCode::model_unsupported,
                    fmt::format("{}: the file holds a \"{}\" (general.type) and not a model; name "
                                "the model's own file",
                                source.name(), printable(*type)));
    }
    const Architecture* architecture = find_architecture(*name);
    if (!architecture) {
        return fail(ErrorCode::model_unsupported,
                    fmt::format("{}: the architecture \"{}\" is not supported", source.name(),
                                printable(*name)));
    }
    const bool causal = header.boolean(*name + ".attention.causal").value_or(true);
    const ModelKind kind = causal ? architecture->kind : ModelKind::encoder;
    if (!serves.kind(kind)) {
        return fail(ErrorCode::model_unsupported,
                    fmt::format("{}: a model of the architecture \"{}\" {}; this worker {}, name a "
                                "model for that",
                                source.name(), *name, purpose(kind), serves.purpose));
    }
    facts.architecture = architecture->name;
    facts.kind = kind;
    facts.causal = causal && kind != ModelKind::encoder;
    return architecture;
}

// What the file says, else the type that most bytes are stored in.
std::string quantization_of(const Headers& headers) {
    const auto file_type = headers.front().integer("general.file_type");
    if (file_type && !file_type_name(*file_type).empty())
        return std::string(file_type_name(*file_type));
    std::map<std::string_view, std::uint64_t> bytes_by_type;
    for (const GgufHeader& header : headers) {
        for (const GgufTensor& tensor : header.tensors)
            bytes_by_type[tensor.type->name] += tensor.bytes;
    }
    const auto most = std::max_element(bytes_by_type.begin(), bytes_by_type.end(),
                                       [](auto& a, auto& b) { return a.second < b.second; });
    std::string name(most->first);
    for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return name;
}

Result<void> count_weights(Sources sources, const Headers& headers, ModelFacts& facts) {
    for (std::size_t i = 0; i < headers.size(); ++i) {
        facts.size_bytes += sources[i]->size();
        for (const GgufTensor& tensor : headers[i].tensors) facts.parameters += tensor.elements;
    }
    if (facts.parameters == 0) {
        return fail(ErrorCode::model_unsupported,
                    sources.front()->name() +
                        ": the file holds a vocabulary without a model; "
                        "name the model's own file");
    }
    facts.quantization = quantization_of(headers);
    return {};
}

// Source: llama.cpp, gguf-py constants.py, `CHAT_TEMPLATE` and `CHAT_TEMPLATE_N`.
void read_chat_templates(const GgufHeader& header, ModelFacts& facts) {
    constexpr std::string_view key = "tokenizer.chat_template";
    if (const std::string* text = header.text(key)) facts.chat_template = *text;
    for (const auto& [name, value] : header.values) {
        const auto* text = std::get_if<std::string>(&value.value);
        if (text != nullptr && name.starts_with(key) && name.size() > key.size() + 1)
            facts.named_templates[name.substr(key.size() + 1)] = *text;
    }
}

// A number that no request could ask for is none.
std::optional<double> number_within(const GgufHeader& header, std::string_view key, double max) {
    const std::optional<double> number = header.number(key);
    return number && *number >= 0 && *number <= max ? number : std::nullopt;
}

RecommendedSampling recommended_by(const GgufHeader& header) {
    RecommendedSampling recommended{
        .temperature = number_within(header, "general.sampling.temp", 2),
        .top_p = number_within(header, "general.sampling.top_p", 1),
        .min_p = number_within(header, "general.sampling.min_p", 1),
        .repetition_penalty = number_within(header, "general.sampling.penalty_repeat", 2)};
    const auto top_k = header.integer("general.sampling.top_k");
    if (top_k && *top_k > 0 && *top_k < 1'000'000)
        recommended.top_k = static_cast<std::uint32_t>(*top_k);
    return recommended;
}

std::vector<DigestSource> digest_sources(Sources sources, const Headers& headers) {
    std::vector<DigestSource> digested;
    for (std::size_t i = 0; i < sources.size(); ++i) {
        std::uint64_t header_bytes = sources[i]->size();
        for (const GgufTensor& tensor : headers[i].tensors)
            header_bytes = std::min(header_bytes, tensor.offset);
        digested.push_back({sources[i], header_bytes});
    }
    return digested;
}

std::uint64_t row_bytes(const GgmlType& type, std::uint64_t elements) {
    return (elements + type.block_elements - 1) / type.block_elements * type.block_bytes;
}

}  // namespace

Result<ModelFacts> inspect_sources(std::span<const ByteSource* const> sources,
                                   const Serves& serves) {
    if (sources.empty()) return fail(ErrorCode::model_not_found, "no model file is named");
    const auto headers = read_headers(sources);
    if (!headers) return fail(headers.error());
    const ByteSource& source = *sources.front();
    const GgufHeader& header = headers->front();
    ModelFacts facts;
    const auto architecture = find_kind(source, header, serves, facts);
    if (!architecture) return fail(architecture.error());
    if (auto checked = check_shards(sources, *headers); !checked) return fail(checked.error());

    if (auto checked = check_hyperparameters(source, header, **architecture, facts); !checked)
        return fail(checked.error());
    const auto vocabulary = check_vocabulary(source, header);
    if (!vocabulary) return fail(vocabulary.error());
    facts.tokenizer = vocabulary->tokenizer;
    facts.vocabulary_size = vocabulary->size;
    if (auto counted = count_weights(sources, *headers, facts); !counted)
        return fail(counted.error());
    if (const std::string* name = header.text("general.name")) facts.name = *name;
    read_chat_templates(header, facts);
    facts.recommended = recommended_by(header);
    auto digest = digest_of(digest_sources(sources, *headers));
    if (!digest) return fail(std::move(digest.error()));
    facts.digest = std::move(*digest);
    return facts;
}

Result<ModelFacts> inspect_model(const std::vector<std::filesystem::path>& paths,
                                 const Serves& serves) {
    std::vector<std::unique_ptr<ByteSource>> files;
    std::vector<const ByteSource*> sources;
    for (const std::filesystem::path& path : paths) {
        auto file = open_file(path);
        if (!file) return fail(std::move(file.error()));
        sources.push_back(file->get());
        files.push_back(std::move(*file));
    }
    return inspect_sources(sources, serves);
}

std::uint64_t kv_bytes_per_token(const ModelFacts& facts, const GgmlType& k, const GgmlType& v) {
    return facts.heads_kv_total * (row_bytes(k, facts.head_dim_k) + row_bytes(v, facts.head_dim_v));
}

}  // namespace worker
