#include "worker/model_file/byte_source.h"

#include "worker/model_file/printable.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace worker {
namespace {

class FileSource final : public ByteSource {
public:
    FileSource(std::string name, int descriptor, std::uint64_t size)
        : name_(std::move(name)), descriptor_(descriptor), size_(size) {}
    ~FileSource() override { ::close(descriptor_); }
    FileSource(const FileSource&) = delete;
    FileSource& operator=(const FileSource&) = delete;

    const std::string& name() const override { return name_; }
    std::uint64_t size() const override { return size_; }

    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> target) const override {
        std::size_t done = 0;
        while (done < target.size()) {
            const ssize_t count = ::pread(descriptor_, target.data() + done, target.size() - done,
                                          static_cast<off_t>(offset + done));
            if (count == 0) break;
            if (count < 0 && errno == EINTR) continue;
            if (count < 0) {
                return fail(ErrorCode::model_unreadable,
                            fmt::format("{}: reading failed: {}; check the disk", name_,
                                        std::generic_category().message(errno)));
            }
            done += static_cast<std::size_t>(count);
        }
        return done;
    }

private:
    const std::string name_;
    const int descriptor_;
    const std::uint64_t size_;
};

tl::unexpected<Error> cannot_open(const std::string& name, int reason) {
    if (reason == ENOENT || reason == ENOTDIR || reason == ENAMETOOLONG)
        return fail(ErrorCode::model_not_found, name + ": there is no such file");
    if (reason == EACCES || reason == EPERM) {
        return fail(ErrorCode::model_unreadable,
                    name +
                        ": permission denied; let the worker's user read the file (chmod a+r) "
                        "and enter its directories (chmod a+x)");
    }
    return fail(ErrorCode::model_unreadable, fmt::format("{}: cannot be opened: {}", name,
                                                         std::generic_category().message(reason)));
}

}  // namespace

Result<std::size_t> MemorySource::read_at(std::uint64_t offset, std::span<std::byte> target) const {
    if (offset >= bytes_.size()) return std::size_t{0};
    const std::size_t count =
        std::min(target.size(), bytes_.size() - static_cast<std::size_t>(offset));
    std::memcpy(target.data(), bytes_.data() + offset, count);
    return count;
}

Result<std::unique_ptr<ByteSource>> open_file(const std::filesystem::path& path) {
    const std::string name = printable_path(path.native());
    struct stat status{};
    // Asked before opening, because opening a device may do something; asked again after it,
    // because the name may by then mean another file.
    if (::stat(path.c_str(), &status) != 0) return cannot_open(name, errno);
    int descriptor = -1;
    if (S_ISREG(status.st_mode)) {
        descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (descriptor < 0) return cannot_open(name, errno);
        ::fstat(descriptor, &status);
    }
    if (!S_ISREG(status.st_mode)) {
        if (descriptor >= 0) ::close(descriptor);
        return fail(ErrorCode::model_unreadable,
                    name + ": is not a regular file; name a GGUF file");
    }
    auto file =
        std::make_unique<FileSource>(name, descriptor, static_cast<std::uint64_t>(status.st_size));
    if (file->size() == 0) {
        return fail(ErrorCode::model_corrupt, name + ": the file is empty; download it again");
    }
    return file;
}

}  // namespace worker
