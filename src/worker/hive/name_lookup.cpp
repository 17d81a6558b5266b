#include "worker/hive/name_lookup.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fcntl.h>
#include <netdb.h>
#include <unistd.h>

#include <array>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace worker {
namespace {

namespace asio = boost::asio;
using Addresses = NameLookup::Addresses;

tl::unexpected<Error> failed(std::string_view reason) {
    return fail(ErrorCode::hive_unreachable,
                "its name cannot be looked up: " + std::string(reason));
}

// What the thread and the waiting coroutine share; the last of them deletes it.
class Board {
public:
    void write(Result<Addresses> result) {
        const std::lock_guard lock(mutex_);
        result_ = std::move(result);
    }
    Result<Addresses> read() {
        const std::lock_guard lock(mutex_);
        return result_;
    }

private:
    std::mutex mutex_;
    Result<Addresses> result_ = failed("no answer");
};

std::optional<asio::ip::address> to_address(const addrinfo& entry) {
    asio::ip::tcp::endpoint endpoint;
    if (entry.ai_addrlen > endpoint.capacity()) return std::nullopt;
    if (entry.ai_family != AF_INET && entry.ai_family != AF_INET6) return std::nullopt;
    const auto* bytes = reinterpret_cast<const unsigned char*>(entry.ai_addr);
    std::copy_n(bytes, entry.ai_addrlen, reinterpret_cast<unsigned char*>(endpoint.data()));
    endpoint.resize(entry.ai_addrlen);
    return endpoint.address();
}

Result<Addresses> look_up(const std::string& host) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int code = getaddrinfo(host.c_str(), nullptr, &hints, &found);
    if (code != 0) return failed(gai_strerror(code));
    Addresses addresses;
    for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
        const auto address = to_address(*entry);
        if (address && addresses.size() < NameLookup::addresses_max) addresses.push_back(*address);
    }
    freeaddrinfo(found);
    if (addresses.empty()) return failed("it has no address");
    return addresses;
}

// The end of a pipe whose closing tells the other end that the thread has done its work. A post
// to the executor would need one that is still there.
class PipeEnd {
public:
    explicit PipeEnd(int descriptor) : descriptor_(descriptor) {}
    PipeEnd(PipeEnd&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    PipeEnd& operator=(PipeEnd&&) = delete;
    ~PipeEnd() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }

private:
    int descriptor_;
};

// One of the threads that count against `NameLookup::running_max`.
class Place {
public:
    explicit Place(std::shared_ptr<NameLookup::Running> running) : running_(std::move(running)) {
        ++*running_;
    }
    Place(Place&&) noexcept = default;
    Place& operator=(Place&&) = delete;
    ~Place() {
        if (running_) --*running_;
    }

private:
    std::shared_ptr<NameLookup::Running> running_;
};

Result<void> start_thread(std::string host, std::shared_ptr<Board> board, Place place,
                          PipeEnd ended) {
    try {
        std::thread([host = std::move(host), board = std::move(board), place = std::move(place),
                     ended = std::move(ended)] {
            board->write(look_up(host));
        }).detach();
    } catch (const std::system_error& error) {
        return failed(error.what());
    }
    return {};
}

}  // namespace

NameLookup::NameLookup(asio::any_io_executor executor, std::shared_ptr<Running> running)
    : ended_(std::move(executor)), running_(std::move(running)) {}

asio::awaitable<Result<Addresses>> NameLookup::run(std::string host) {
    if (host == "localhost") {
        co_return Addresses{asio::ip::address_v4::loopback(), asio::ip::address_v6::loopback()};
    }
    boost::system::error_code ec;
    const asio::ip::address literal = asio::ip::make_address(host, ec);
    if (!ec) co_return Addresses{literal};

    if (*running_ >= running_max) co_return failed("too many look-ups have not ended yet");
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) co_return failed("this process is out of descriptors");
    ended_.assign(ends[0], ec);
    const auto board = std::make_shared<Board>();
    const Result<void> started =
        start_thread(std::move(host), board, Place(running_), PipeEnd(ends[1]));
    if (!started) co_return fail(started.error());
    const auto [waited] = co_await ended_.async_wait(asio::posix::stream_descriptor::wait_read,
                                                     asio::as_tuple(asio::use_awaitable));
    if (waited) co_return failed("no answer");
    co_return board->read();
}

void NameLookup::cancel() {
    boost::system::error_code ec;
    ended_.close(ec);  // The descriptor is gone even where this reports an error.
}

}  // namespace worker
