#pragma once

#include "worker/base/log.h"
#include "worker/http/server.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace worker {

// An HttpServer on a free port of 127.0.0.1, with an io thread of its own.
class TestServer {
public:
    explicit TestServer(Router router, HttpLimits limits = {});
    // `settings` without host and port.
    TestServer(Router router, HttpSettings settings);
    // Cuts what is still connected.
    ~TestServer();
    TestServer(const TestServer&) = delete;
    TestServer& operator=(const TestServer&) = delete;

    std::uint16_t port() const { return port_; }
    boost::asio::any_io_executor executor() { return io_.get_executor(); }
    // Runs `work` on the io thread and waits for it.
    void on_io(const std::function<void(HttpServer&)>& work);
    // Stops accepting, and starts to `finish`. Requires: called once.
    void drain(std::chrono::milliseconds patience);
    // What was logged so far.
    std::string log() const;

private:
    const int log_file_;
    Log log_;
    const Router router_;
    boost::asio::io_context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> keep_running_{
        io_.get_executor()};
    std::unique_ptr<HttpServer> server_;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

}  // namespace worker
