#include "tests/support/test_server.h"

#include "worker/base/assert.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <sys/mman.h>
#include <unistd.h>

#include <exception>
#include <future>
#include <utility>

namespace worker {

TestServer::TestServer(Router router, HttpLimits limits)
    : TestServer(std::move(router), HttpSettings{.limits = limits}) {}

TestServer::TestServer(Router router, HttpSettings settings)
    : log_file_(memfd_create("log", MFD_CLOEXEC)),
      log_(LogFormat::text, LogLevel::debug, log_file_),
      router_(std::move(router)) {
    settings.host = "127.0.0.1";
    auto server = HttpServer::bind(io_.get_executor(), settings, router_, log_);
    WORKER_ASSERT(server);
    server_ = std::move(*server);
    port_ = server_->port();
    server_->start();
    thread_ = std::thread([this] { io_.run(); });
}

TestServer::~TestServer() {
    boost::asio::post(io_, [this] {
        server_.reset();
        keep_running_.reset();
    });
    thread_.join();
    ::close(log_file_);
}

void TestServer::on_io(const std::function<void(HttpServer&)>& work) {
    std::promise<void> done;
    boost::asio::post(io_, [&] {
        work(*server_);
        done.set_value();
    });
    done.get_future().wait();
}

void TestServer::drain(std::chrono::milliseconds patience) {
    boost::asio::post(io_, [this, patience] {
        server_->stop_accepting();
        boost::asio::co_spawn(io_, server_->finish(patience), [](std::exception_ptr thrown) {
            if (thrown) std::rethrow_exception(thrown);
        });
    });
}

std::string TestServer::log() const {
    std::string text(lseek(log_file_, 0, SEEK_END), '\0');
    const ssize_t got = pread(log_file_, text.data(), text.size(), 0);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
}

}  // namespace worker
