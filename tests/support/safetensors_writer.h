#pragma once

#include "worker/base/json.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <bit>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace worker {

// Builds the bytes of a SafeTensors file, true or lying. Source: safetensors, README.md "Format".
class SafeTensorsWriter {
public:
    struct Tensor {
        std::string name;
        std::string dtype;
        std::vector<std::uint64_t> shape;
        std::string data = {};  // empty: zeros, as many as the shape needs
        // Else right after the one before.
        std::optional<std::pair<std::uint64_t, std::uint64_t>> offsets = std::nullopt;
    };

    static std::string floats(const std::vector<float>& values) {
        std::string bytes;
        for (const float value : values) append(bytes, std::bit_cast<std::uint32_t>(value), 4);
        return bytes;
    }
    static std::string halves(const std::vector<std::uint16_t>& bits) {
        std::string bytes;
        for (const std::uint16_t value : bits) append(bytes, value, 2);
        return bytes;
    }
    // A file with this header and these bytes after it, whatever they are.
    static std::string file(const std::string& header, const std::string& data = {}) {
        std::string bytes;
        append(bytes, header.size(), 8);
        return bytes + header + data;
    }

    SafeTensorsWriter& tensor(Tensor tensor) {
        tensors_.push_back(std::move(tensor));
        return *this;
    }
    SafeTensorsWriter& metadata(std::string json) {
        metadata_ = std::move(json);
        return *this;
    }

    std::string header() const {
        std::vector<std::string> members;
        if (!metadata_.empty()) members.push_back("\"__metadata__\":" + metadata_);
        std::uint64_t end = 0;
        for (const Tensor& tensor : tensors_) {
            const std::uint64_t begin = end;
            end += content(tensor).size();
            const auto offsets = tensor.offsets.value_or(std::pair(begin, end));
            std::string name;
            append_json_string(name, tensor.name);
            members.push_back(fmt::format(
                R"({}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", name, tensor.dtype,
                fmt::join(tensor.shape, ","), offsets.first, offsets.second));
        }
        std::string text = fmt::format("{{{}}}", fmt::join(members, ","));
        text.resize((text.size() + 7) / 8 * 8, ' ');
        return text;
    }
    std::string bytes() const {
        std::string all;
        for (const Tensor& tensor : tensors_) all += content(tensor);
        return file(header(), all);
    }

    void write_to(const std::filesystem::path& path) const {
        std::ofstream(path, std::ios::binary) << bytes();
    }

private:
    static void append(std::string& bytes, std::uint64_t value, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) bytes += static_cast<char>(value >> 8 * i & 0xff);
    }

    // Nothing for what no file could hold.
    static std::string content(const Tensor& tensor) {
        constexpr std::uint64_t bytes_max = 1u << 24;
        if (!tensor.data.empty()) return tensor.data;
        std::uint64_t bytes = 4;
        if (tensor.dtype.ends_with("16")) bytes = 2;
        if (tensor.dtype.ends_with("64")) bytes = 8;
        if (tensor.dtype.ends_with("8") || tensor.dtype == "BOOL") bytes = 1;
        for (const std::uint64_t length : tensor.shape) {
            if (length > bytes_max || bytes > bytes_max) return {};
            bytes *= length;
        }
        return bytes > bytes_max ? std::string() : std::string(bytes, '\0');
    }

    std::vector<Tensor> tensors_;
    std::string metadata_;
};

}  // namespace worker
