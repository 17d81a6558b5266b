// Any bytes are a model for the native engine: judging it, loading it and computing some tokens
// neither crashes nor hangs.
#include "cpu/text_model.h"
#include "tests/support/whole_model.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace {

constexpr std::uint32_t sequences = 2;

// About what a header takes; behind it lie weights.
constexpr std::size_t header_bytes = 3072;

// The valid model of a family and a type.
const std::string& valid_file(std::size_t kind) {
    constexpr std::array<std::string_view, 4> types = {"f32", "f16", "q4_0", "q8_0"};
    static std::array<std::string, 20> files;
    std::string& file = files[kind % files.size()];
    if (file.empty())
        file = worker::whole_model(worker::whole_model_families[kind % 5], types[kind / 5 % 4])
                   .bytes();
    return file;
}

// An even first byte: the rest is the file. An odd one: the rest changes the valid model that it
// names, in steps of four bytes (place, value), most of them in the header.
std::string file_from(std::span<const std::uint8_t> input) {
    if (input.empty() || input[0] % 2 == 0) return {input.begin(), input.end()};
    std::string file = valid_file(input[0] / 2);
    for (std::size_t i = 1; i + 3 < input.size(); i += 4) {
        const std::size_t room = input[i] < 192 ? header_bytes : file.size();
        file[(input[i] << 16 | input[i + 1] << 8 | input[i + 2]) % room] =
            static_cast<char>(input[i + 3]);
    }
    return file;
}

// Computed in a few milliseconds.
bool is_small(const cpu::ModelShape& shape) {
    return shape.vocabulary < 4096 && shape.width < 4096 && shape.feed_forward < 4096 &&
           std::uint64_t{shape.heads} * shape.head_dim < 4096;
}

void compute(const cpu::ModelFiles& files, const cpu::ModelShape& shape) {
    static const std::atomic<bool> interrupted = false;
    const auto model = cpu::TextModel::load(
        files,
        {.context_max = 64,
         .cells = 64,
         .sequences_max = sequences,
         .rows_max = 40,
         .isa = cpu::available().back()},
        [](double) { return true; }, interrupted);
    if (!model) std::abort();  // What was checked is loaded.
    std::vector<llm::Token> text(34);
    for (std::size_t i = 0; i < text.size(); ++i)
        text[i] = static_cast<llm::Token>(i % shape.vocabulary);
    const llm::Run runs[] = {{llm::SequenceId{0}, 0, text, true},
                             {llm::SequenceId{1}, 0, {text.data(), 3}, true}};
    const auto logits = (*model)->forward(runs);
    if (!logits || logits->values.size() != std::size_t{sequences} * shape.vocabulary) std::abort();
    (*model)->release(llm::SequenceId{1});
    if (!(*model)->share_prefix(llm::SequenceId{0}, llm::SequenceId{1}, 33)) std::abort();
    const llm::Run next{llm::SequenceId{1}, 33, {text.data(), 1}, true};
    if (!(*model)->forward({&next, 1})) std::abort();
}

// An engine's words about a file become a part of one line.
bool is_one_line(const worker::Error& error) {
    return error.message.find('\n') == std::string::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::vector<std::unique_ptr<worker::ByteSource>> sources;
    sources.push_back(std::make_unique<worker::OwnedSource>(file_from({data, size})));
    const auto files = cpu::ModelFiles::read(std::move(sources));
    if (!files) return 0;
    const auto shape = cpu::read_shape(*files);
    if (!shape) {
        if (!is_one_line(shape.error())) std::abort();
        return 0;
    }
    const auto checked = cpu::check_tensors(*files, *shape);
    if (!checked && !is_one_line(checked.error())) std::abort();
    if (checked && is_small(*shape)) compute(*files, *shape);
    return 0;
}
