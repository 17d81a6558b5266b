// Any bytes are a model file: reading its header and judging it neither crashes nor hangs.
#include "tests/support/gguf_writer.h"
#include "worker/model_file/model_facts.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>

namespace {

// An even first byte: the rest is the file. An odd one: the rest changes a model that is valid, in
// steps of three bytes (place, place, value), which leads beyond the first checks.
std::string file_from(std::span<const std::uint8_t> input) {
    if (input.empty() || input[0] % 2 == 0) return {input.begin(), input.end()};
    static const std::string valid = worker::tiny_model().bytes();
    std::string file = valid;
    for (std::size_t i = 1; i + 2 < input.size(); i += 3)
        file[(input[i] << 8 | input[i + 1]) % file.size()] = static_cast<char>(input[i + 2]);
    return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string file = file_from({data, size});
    const worker::MemorySource source("fuzz", std::as_bytes(std::span(file)));
    const worker::ByteSource* sources[] = {&source};
    const auto facts = worker::inspect_sources(
        sources, {.kind = [](worker::ModelKind) { return true; }, .purpose = "takes all"});
    if (!facts && facts.error().message.find('\n') != std::string::npos) std::abort();
    return 0;
}
