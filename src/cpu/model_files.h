#pragma once

#include "worker/base/result.h"
#include "worker/model_file/byte_source.h"
#include "worker/model_file/gguf.h"

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cpu {

using worker::Result;

// A model's tensors, wherever in its files they are. Files are read and never mapped, so that one
// that somebody cuts short is an error and not the end of the process. Thread: any.
class ModelFiles {
public:
    // Errors: as of `open_file` and `read_gguf_header`.
    static Result<ModelFiles> open(const std::vector<std::filesystem::path>& paths);
    // The same for files that are open already, in order.
    static Result<ModelFiles> read(std::vector<std::unique_ptr<worker::ByteSource>> sources);

    const worker::GgufHeader& header() const { return headers_.front(); }
    // Null where there is none.
    const worker::GgufTensor* find(std::string_view name) const;
    std::vector<std::string_view> names() const;

    // Fills `target` with a tensor's bytes from `offset` on. Errors: model_unreadable,
    // model_corrupt where the file ends before.
    Result<void> read(const worker::GgufTensor& tensor, std::uint64_t offset,
                      std::span<std::byte> target) const;
    // All of it as floats. Requires: `can_dequantize`.
    Result<std::vector<float>> floats(const worker::GgufTensor& tensor) const;

private:
    struct Place {
        std::size_t file;
        const worker::GgufTensor* tensor;
    };

    std::vector<std::unique_ptr<worker::ByteSource>> sources_;
    std::vector<worker::GgufHeader> headers_;
    std::map<std::string_view, Place> tensors_;  // Names are those in `headers_`.
};

}  // namespace cpu
