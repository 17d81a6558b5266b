#include "cpu/model_files.h"

#include "cpu/kernels/dequantize.h"

#include <utility>

namespace cpu {

Result<ModelFiles> ModelFiles::open(const std::vector<std::filesystem::path>& paths) {
    std::vector<std::unique_ptr<worker::ByteSource>> sources;
    for (const std::filesystem::path& path : paths) {
        auto source = worker::open_file(path);
        if (!source) return worker::fail(std::move(source.error()));
        sources.push_back(std::move(*source));
    }
    return read(std::move(sources));
}

Result<ModelFiles> ModelFiles::read(std::vector<std::unique_ptr<worker::ByteSource>> sources) {
    ModelFiles files;
    files.sources_ = std::move(sources);
    for (const auto& source : files.sources_) {
        auto header = worker::read_gguf_header(*source);
        if (!header) return worker::fail(std::move(header.error()));
        files.headers_.push_back(std::move(*header));
    }
    for (std::size_t file = 0; file < files.headers_.size(); ++file)
        for (const worker::GgufTensor& tensor : files.headers_[file].tensors)
            files.tensors_.emplace(tensor.name, Place{file, &tensor});
    return files;
}

const worker::GgufTensor* ModelFiles::find(std::string_view name) const {
    const auto found = tensors_.find(name);
    return found == tensors_.end() ? nullptr : found->second.tensor;
}

std::vector<std::string_view> ModelFiles::names() const {
    std::vector<std::string_view> names;
    for (const auto& [name, place] : tensors_) names.push_back(name);
    return names;
}

Result<void> ModelFiles::read(const worker::GgufTensor& tensor, std::uint64_t offset,
                              std::span<std::byte> target) const {
    const worker::ByteSource& source = *sources_[tensors_.at(tensor.name).file];
    const auto got = source.read_at(tensor.offset + offset, target);
    if (!got) return worker::fail(got.error());
    if (*got == target.size()) return {};
    return worker::fail(worker::ErrorCode::model_corrupt,
                        source.name() + ": ends in the middle of tensor " + tensor.name +
                            "; it was changed while it was read");
}

Result<std::vector<float>> ModelFiles::floats(const worker::GgufTensor& tensor) const {
    std::vector<std::byte> bytes(tensor.bytes);
    if (Result<void> done = read(tensor, 0, bytes); !done) return worker::fail(done.error());
    std::vector<float> values(tensor.elements);
    dequantize(*tensor.type, bytes, values);
    return values;
}

}  // namespace cpu
