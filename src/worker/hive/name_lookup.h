#pragma once

#include "worker/base/result.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace worker {

// From the host of a URL to its addresses. getaddrinfo may take as long as it likes: it runs on a
// thread of its own that nobody waits for, not even the end of the process, and that knows neither
// executor nor coroutine. Asio's resolver would join it. Thread: io.
class NameLookup {
public:
    // Threads whose names are still being looked up, for all look-ups of a worker together.
    using Running = std::atomic<int>;
    static constexpr int running_max = 8;
    static constexpr std::size_t addresses_max = 8;

    using Addresses = std::vector<boost::asio::ip::address>;

    NameLookup(boost::asio::any_io_executor executor, std::shared_ptr<Running> running);

    // At least one address. An address or "localhost" needs no thread. Errors: hive_unreachable.
    // Requires: called once; the look-up outlives it.
    boost::asio::awaitable<Result<Addresses>> run(std::string host);

    // `run` returns soon, whatever the thread does.
    void cancel();

private:
    boost::asio::posix::stream_descriptor ended_;
    const std::shared_ptr<Running> running_;
};

}  // namespace worker
