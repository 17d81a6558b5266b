// Any bytes are a SafeTensors file: reading its header neither crashes nor hangs, and what is read
// lies inside of the file.
#include "tests/support/safetensors_writer.h"
#include "worker/model_file/safetensors.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>

namespace {

const std::string& valid_file() {
    static const std::string file = worker::SafeTensorsWriter()
                                        .metadata(R"({"format":"pt"})")
                                        .tensor({"embed.weight", "BF16", {8, 4}})
                                        .tensor({"position_ids", "I64", {1, 4}})
                                        .tensor({"norm.weight", "F32", {4}})
                                        .bytes();
    return file;
}

// The first byte says what the rest is: the whole file; its header, with the length that it needs;
// or changes of a valid file, in steps of three bytes (place, place, value).
std::string file_from(std::span<const std::uint8_t> input) {
    if (input.empty()) return {};
    const std::string rest(input.begin() + 1, input.end());
    if (input[0] % 3 == 0) return rest;
    if (input[0] % 3 == 1)
        return worker::SafeTensorsWriter::file(rest, std::string(input[0], '\0'));
    std::string file = valid_file();
    for (std::size_t i = 1; i + 2 < input.size(); i += 3)
        file[(input[i] << 8 | input[i + 1]) % file.size()] = static_cast<char>(input[i + 2]);
    return file;
}

void check(const worker::SafeTensor& tensor, const std::string& file) {
    std::uint64_t bytes = worker::bytes_of(tensor.type);
    for (const std::uint64_t length : tensor.shape) bytes *= length;
    const bool inside = tensor.offset <= file.size() && tensor.bytes <= file.size() - tensor.offset;
    if (!inside || bytes != tensor.bytes) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string file = file_from({data, size});
    const worker::MemorySource source("fuzz", std::as_bytes(std::span(file)));
    const auto tensors = worker::read_safetensors_header(source);
    if (!tensors && tensors.error().message.find('\n') != std::string::npos) std::abort();
    if (tensors)
        for (const worker::SafeTensor& tensor : *tensors) check(tensor, file);
    return 0;
}
