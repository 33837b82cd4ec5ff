// call.cpp: how long does Client::call take, beside a bare chain of ZeroMQ sockets?
// SPDX-License-Identifier: MIT
//
// Usage: perf_call [CALLS] [PAYLOAD_BYTES]. All roles are in one process and talk over tcp
// loopback. The bare chain has the same hops and hands over between as many threads: caller ->
// client (DEALER
// -> ROUTER) -> ventilator (PUSH -> PULL) -> worker -> executor -> worker (DEALER -> ROUTER) ->
// sink (ROUTER -> DEALER) -> client -> caller; but it keeps nothing and confirms nothing.
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <zmq.hpp>

#include <sluice/sluice.hpp>

namespace {

using Clock = std::chrono::steady_clock;

std::size_t argument(int argc, char** argv, int at, std::size_t otherwise) {
  return argc > at ? std::strtoull(argv[at], nullptr, 10) : otherwise;
}

struct Times {
  double p50 = 0, p99 = 0;
};

// In microseconds.
Times measure(std::size_t calls, const std::function<void()>& call) {
  for (std::size_t i = 0; i < calls / 10 + 1; ++i) call();
  std::vector<double> times;
  for (std::size_t i = 0; i < calls; ++i) {
    const auto start = Clock::now();
    call();
    times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
  }
  std::sort(times.begin(), times.end());
  return {times[times.size() / 2], times[times.size() * 99 / 100]};
}

// One message from a thread to another, by the means the library has: a condition variable for
// threads that only wait, an eventfd for those that poll.
class Gate {
 public:
  Gate() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  ~Gate() { ::close(fd_); }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

  void open() {
    const std::scoped_lock lock(mutex_);
    ++opened_;
    changed_.notify_all();
  }
  bool pass(const std::atomic<bool>& stop) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return opened_ > 0 || stop; });
    if (opened_ == 0) return false;
    --opened_;
    return true;
  }
  void signal() const {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(fd_, &one, sizeof one));
  }
  [[nodiscard]] bool take_signal() const {
    std::uint64_t count = 0;
    return ::read(fd_, &count, sizeof count) == sizeof count;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int opened_ = 0;
  const int fd_;
};

class BareChain {
 public:
  explicit BareChain(std::size_t payload) : payload_(payload) {
    for (zmq::socket_t* socket : {&front_, &lane_, &back_}) socket->bind("tcp://127.0.0.1:*");
    submit_.connect(end_of(front_));
    pull_.connect(end_of(lane_));
    deliver_.connect(end_of(back_));
    watch_.connect(end_of(back_));
    threads_.emplace_back([this] { ventilator(); });
    threads_.emplace_back([this] { worker(); });
    threads_.emplace_back([this] { executor(); });
    threads_.emplace_back([this] { sink(); });
    threads_.emplace_back([this] { client(); });
  }
  ~BareChain() {
    stop_ = true;
    asked_.signal();
    ran_.signal();
    to_run_.open();
    context_.shutdown();
    for (std::thread& thread : threads_) thread.join();
  }
  BareChain(const BareChain&) = delete;
  BareChain& operator=(const BareChain&) = delete;

  void call() {
    asked_.signal();
    static_cast<void>(answered_.pass(stop_));
  }

 private:
  static std::string end_of(zmq::socket_t& socket) {
    return socket.get(zmq::sockopt::last_endpoint);
  }
  void loop(zmq::socket_t& socket, const Gate* gate, const std::function<void()>& on_message,
            const std::function<void()>& on_signal = {}) {
    try {
      while (!stop_) {
        std::vector<zmq::pollitem_t> items{{socket.handle(), 0, ZMQ_POLLIN, 0}};
        if (gate != nullptr) items.push_back({nullptr, gate->fd(), ZMQ_POLLIN, 0});
        zmq::poll(items, std::chrono::milliseconds(1000));
        if (gate != nullptr && gate->take_signal() && !stop_) on_signal();
        if ((items[0].revents & ZMQ_POLLIN) != 0) on_message();
      }
    } catch (const zmq::error_t&) {  // the context was shut down
    }
    socket.close();
  }
  void ventilator() {
    loop(front_, nullptr, [this] {
      zmq::message_t id, body;
      static_cast<void>(front_.recv(id));
      static_cast<void>(front_.recv(body));
      static_cast<void>(lane_.send(body, zmq::send_flags::none));
    });
    lane_.close();
  }
  void worker() {
    loop(
        pull_, &ran_,
        [this] {
          static_cast<void>(pull_.recv(job_));
          to_run_.open();
        },
        [this] { static_cast<void>(deliver_.send(job_, zmq::send_flags::none)); });
    deliver_.close();
  }
  void executor() {
    while (to_run_.pass(stop_) && !stop_) ran_.signal();
  }
  void sink() {
    zmq::message_t watcher;
    loop(back_, nullptr, [&] {
      zmq::message_t id, body;
      static_cast<void>(back_.recv(id));
      static_cast<void>(back_.recv(body));
      if (body.size() == 0) {  // a client waits
        watcher = std::move(id);
        return;
      }
      zmq::message_t to;
      to.copy(watcher);
      static_cast<void>(back_.send(to, zmq::send_flags::sndmore));
      static_cast<void>(back_.send(body, zmq::send_flags::none));
    });
  }
  void client() {
    static_cast<void>(watch_.send(zmq::message_t(), zmq::send_flags::none));
    loop(
        watch_, &asked_,
        [this] {
          zmq::message_t reply;
          static_cast<void>(watch_.recv(reply));
          answered_.open();
        },
        [this] {
          static_cast<void>(submit_.send(zmq::message_t(payload_ + 60), zmq::send_flags::none));
        });
    submit_.close();
  }

  const std::size_t payload_;
  zmq::context_t context_{1};
  zmq::socket_t submit_{context_, ZMQ_DEALER}, front_{context_, ZMQ_ROUTER};
  zmq::socket_t lane_{context_, ZMQ_PUSH}, pull_{context_, ZMQ_PULL};
  zmq::socket_t deliver_{context_, ZMQ_DEALER}, back_{context_, ZMQ_ROUTER};
  zmq::socket_t watch_{context_, ZMQ_DEALER};
  zmq::message_t job_;
  Gate asked_, to_run_, ran_, answered_;
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::size_t calls = argument(argc, argv, 1, 20'000);
  const std::size_t payload = argument(argc, argv, 2, 64);

  sluice::Sink sink({}, [](const sluice::OutcomeView&) {});
  sluice::VentilatorOptions options;
  options.sinks = {sink.endpoint()};
  sluice::Ventilator ventilator(options);
  sluice::WorkerOptions worker_options;
  worker_options.slots = 1;
  sluice::Worker worker(worker_options);
  worker.on("noop", [](const sluice::TaskView&) { return std::vector<std::byte>{}; });
  worker.start(ventilator.endpoint());
  sluice::ClientOptions client_options;
  client_options.connect = ventilator.endpoint();
  sluice::Client client(client_options);
  sluice::Task task;
  task.type = "noop";
  task.payload.resize(payload);
  const auto call = [&] {
    if (client.call(task, std::chrono::seconds(10)).status == sluice::Status::done) return;
    std::fprintf(stderr, "a call failed\n");
    std::exit(1);
  };

  BareChain chain(payload);
  // By turns, so that what else the machine does meets both.
  const Times bare = measure(calls / 2, [&] { chain.call(); });
  const Times first = measure(calls / 2, call);
  const Times bare_again = measure(calls / 2, [&] { chain.call(); });
  const Times second = measure(calls / 2, call);
  const double p50 = (first.p50 + second.p50) / 2, bare_p50 = (bare.p50 + bare_again.p50) / 2;
  std::printf("call: p50 %.1f us, p99 %.1f us; bare chain: p50 %.1f us, p99 %.1f us; ratio %.2f\n",
              p50, std::max(first.p99, second.p99), bare_p50, std::max(bare.p99, bare_again.p99),
              p50 / bare_p50);
  return 0;
}
