#include "llm/engine_fixture.h"

#include "llama/model.h"
#include "llama/random_models.h"
#include "llama/test_model.h"
#include "worker/base/assert.h"
#include "worker/model_file/gguf.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <array>
#include <set>
#include <system_error>

namespace llm {

ModelFolder::ModelFolder()
    : folder_(std::filesystem::temp_directory_path() / fmt::format("rbee-models-{}", getpid())) {
    llama::test_library();  // Which libllama's own words about copies go to, too.
    std::filesystem::create_directories(folder_);
}

ModelFolder::~ModelFolder() {
    std::error_code ec;
    std::filesystem::remove_all(folder_, ec);
}

std::filesystem::path ModelFolder::random(std::string_view model, std::string_view file_type) {
    const std::filesystem::path file = folder_ / fmt::format("{}.gguf", model);
    if (!std::filesystem::exists(file)) llama::write_random_model(model, file);
    return file_type == "F32" ? file : copy(file, file_type);
}

std::filesystem::path ModelFolder::copy(const std::filesystem::path& file,
                                        std::string_view file_type) {
    const std::filesystem::path copied =
        folder_ / fmt::format("{}.{}.gguf", file.stem().string(), file_type);
    if (!std::filesystem::exists(copied)) llama::write_copy(file, copied, file_type);
    return copied;
}

std::unique_ptr<TextModel> open_reference(const std::filesystem::path& file, Precision precision,
                                          std::uint32_t sequences) {
    static const std::atomic<bool> interrupted = false;
    auto model =
        llama::load_model(llama::test_library(), {.paths = {file}}, [](double) { return true; });
    WORKER_ASSERT(model.has_value());
    const bool exact = precision == Precision::exact;
    auto opened =
        llama::TextModel::create(llama::test_library(), *model,
                                 {.context_max = fixture_context,
                                  .cells = fixture_context * sequences,
                                  .sequences_max = sequences,
                                  .kv_type = exact ? *llama::find_kv_type("f32") : nullptr,
                                  .flash_attention = llama::FlashAttention::off},
                                 interrupted);
    WORKER_ASSERT(opened.has_value());
    return std::move(*opened);
}

std::span<const FileType> file_types() {
    // Output matrices are finer than the rest. Source: llama_tensor_get_type in llama-quant.cpp.
    static constexpr std::array all{
        FileType{"F32", "f32", "f32", true},
        FileType{"F16", "f16", "f16", true},
        FileType{"BF16", "bf16", "bf16", true},
        FileType{"Q8_0", "q8_0", "q8_0"},
        FileType{"Q4_0", "q4_0 q6_k", "q4_0 q8_0"},
        FileType{"Q4_1", "q4_1 q6_k", "q4_1 q8_0"},
        FileType{"Q5_0", "q5_0 q6_k", "q5_0 q8_0"},
        FileType{"Q5_1", "q5_1 q6_k", "q5_1 q8_0"},
        FileType{"IQ4_NL", "iq4_nl q6_k", "iq4_nl q8_0"},
        FileType{"Q4_K_M", "q4_k q6_k", "q4_k q5_0 q6_k q8_0"},
        FileType{"Q5_K_M", "q5_k q6_k", "q5_1 q5_k q6_k q8_0"},
        FileType{"Q6_K", "q6_k", "q6_k q8_0"},
    };
    return all;
}

std::string matrix_types(const std::filesystem::path& file) {
    const auto source = worker::open_file(file);
    WORKER_ASSERT(source.has_value());
    const auto header = worker::read_gguf_header(**source);
    WORKER_ASSERT(header.has_value());
    std::set<std::string_view> types;
    for (const worker::GgufTensor& tensor : header->tensors) {
        if (tensor.dimensions > 1) types.insert(tensor.type->name);
    }
    return fmt::format("{}", fmt::join(types, " "));
}

std::vector<TokenText> random_texts() {
    std::vector<TokenText> texts;
    for (std::uint64_t seed = 1; seed <= 7; ++seed)
        texts.push_back(random_text(seed, 300, llama::random_model_tokens));
    return texts;
}

}  // namespace llm
