#include "worker/hugging_face/output_file.h"

#include "worker/base/assert.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace worker {
namespace {

constexpr std::size_t piece_bytes = 4 << 20;

}  // namespace

OutputFile::OutputFile(std::string name, int descriptor)
    : name_(std::move(name)), descriptor_(descriptor) {
    pending_.reserve(piece_bytes);
}

Result<void> OutputFile::append(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const std::size_t part = std::min(bytes.size(), piece_bytes - pending_.size());
        pending_.insert(pending_.end(), bytes.begin(), bytes.begin() + part);
        bytes = bytes.subspan(part);
        if (pending_.size() < piece_bytes) continue;
        if (auto flushed = flush(); !flushed) return flushed;
    }
    return {};
}

Result<void> OutputFile::fill_up_to(std::uint64_t offset) {
    WORKER_ASSERT(offset >= bytes());
    constexpr std::size_t zeros_max = 4096;
    static constexpr std::byte zeros[zeros_max] = {};
    while (bytes() < offset) {
        const std::uint64_t count = std::min<std::uint64_t>(zeros_max, offset - bytes());
        if (auto added = append(std::span(zeros).first(count)); !added) return added;
    }
    return {};
}

Result<void> OutputFile::flush() {
    std::span<const std::byte> left(pending_);
    while (!left.empty()) {
        const ssize_t count = ::write(descriptor_, left.data(), left.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) {
            return fail(ErrorCode::insufficient_resources,
                        fmt::format("{}: writing failed: {}", name_,
                                    std::generic_category().message(errno)));
        }
        left = left.subspan(static_cast<std::size_t>(count));
    }
    flushed_ += pending_.size();
    pending_.clear();
    return {};
}

}  // namespace worker
