// asio carries octets between sockets and sessions; what they mean is session.cc's.
#include "listener.h"

#include "proxy_header.h"
#include "system/socket_address.h"

#include <asio/basic_socket_acceptor.hpp>
#include <asio/generic/stream_protocol.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ip/v6_only.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/post.hpp>
#include <asio/ssl/stream.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <deque>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <thread>
#include <type_traits>
#include <unordered_map>
#include <utility>

namespace blowback::smtp {
namespace {

using Socket = asio::generic::stream_protocol::socket;
using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;
using Steady = std::chrono::steady_clock;

constexpr std::size_t kRead = 16U << 10U;
/// For the database: longer than it can be busy with an import. Clients wait 10 minutes (RFC 5321 §4.5.3.2.6).
constexpr std::chrono::minutes kSettlementTime{9};
constexpr std::chrono::hours kSessionTime{1};
/// For a client to read our last line and close.
constexpr std::chrono::seconds kFarewellTime{2};
/// One who has kept us waiting for less needn't give way.
constexpr std::chrono::seconds kPatience{3};
constexpr std::chrono::milliseconds kNoDescriptorPause{100};
/// Callouts that nobody has taken yet, while the database is busy: beyond it the newest are let go.
constexpr std::size_t kMostCallouts = 1'000;

[[nodiscard]] asio::ip::tcp::endpoint tcp_endpoint(const InternetEndpoint& at) {
  if (at.address.family() == Family::ipv4) return {asio::ip::address_v4(at.address.v4()), at.port};
  return {asio::ip::address_v6(at.address.octets()), at.port};
}

[[nodiscard]] std::string name_of(const Endpoint& endpoint) {
  if (const auto* path = std::get_if<std::string>(&endpoint)) return "unix:" + *path;
  const auto& at = std::get<InternetEndpoint>(endpoint);
  return endpoint_text(at.address.to_string(), at.port);
}

}  // namespace

class Listener::Impl {
 public:
  explicit Impl(const ListenerSettings& settings)
      : budget_{.most = settings.memory},
        gate_(settings.session.witness_of),
        wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  ~Impl() {
    asio::post(io_, [this] { farewell(); });
    if (thread_.joinable()) thread_.join();
    if (wake_ >= 0) close(wake_);
  }

  [[nodiscard]] std::expected<void, feed::FeedError> open(ListenerSettings settings) {
    auto ready = make_ready(std::move(settings));
    if (!ready) return std::unexpected(std::move(ready).error());
    take_over(std::move(*ready));
    thread_ = std::thread([this] { io_.run(); });
    return {};
  }

  [[nodiscard]] std::expected<std::function<void()>, feed::FeedError> prepare(ListenerSettings settings) {
    auto ready = in_thread([&] { return make_ready(std::move(settings)); });
    if (!ready) return std::unexpected(std::move(ready).error());
    return [this, ready = std::make_shared<Ready>(std::move(*ready))] {
      in_thread([&] { take_over(std::move(*ready)); });
    };
  }

  [[nodiscard]] std::vector<Arrived> take(const feed::Bounds& bounds) {
    // First the wake is taken back: what arrives from now on wakes anew.
    std::uint64_t count = 0;
    static_cast<void>(!read(wake_, &count, sizeof count));
    std::vector<Arrived> taken;
    if (take(bounds, taken)) wake();
    return taken;
  }

  void settle(std::vector<Ticket> tickets, bool stored) {
    asio::post(io_, [this, tickets = std::move(tickets), stored] {
      for (const auto ticket : tickets) {
        const auto found = connections_.find(ticket);
        if (found != connections_.end()) found->second->settled(stored);
      }
    });
  }

  [[nodiscard]] int wake_fd() const { return wake_; }

 private:
  /// What sessions go by: those that are under way keep theirs.
  struct Terms {
    ListenerSettings settings;
    asio::ssl::context tls;
  };

  /// Where it listens. Closed, and a unix socket's path removed, with the last who knows it.
  struct Place {
    explicit Place(asio::io_context& io) : acceptor(io) {}
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { shut(); }
    void shut() {
      asio::error_code ignored;
      acceptor.close(ignored);
      if (!made_path.empty()) unlink(std::exchange(made_path, {}).c_str());
    }
    Acceptor acceptor;
    std::string made_path;
  };
  using Places = std::map<std::string, std::shared_ptr<Place>>;  ///< by name_of

  /// Settings that can be taken over without fail.
  struct Ready {
    std::shared_ptr<Terms> terms;
    Places fresh;  ///< bound and listening, but nobody is let in yet
  };

  class Connection : public std::enable_shared_from_this<Connection> {
   public:
    Connection(Impl& listener, Socket socket, Ticket ticket, Session::Peer peer)
        : listener_(listener),
          socket_(std::move(socket)),
          terms_(listener.terms_),
          timer_(listener.io_),
          ticket_(ticket),
          peer_(peer),
          ends_at_(Steady::now() + kSessionTime) {}

    void begin() {
      expect(settings().command_time);
      watch();
      if (settings().proxy_protocol) {
        read_header();
      } else {
        speak();
      }
    }

    void settled(bool stored) {
      if (!session_ || session_->wants() != Session::Wants::settlement) return;
      session_->settled(stored, settings().now());
      pump();
    }

    /// The listener closes, another needs the place, or time is up: says so and goes, or just goes where it was said already.
    void send_away(std::string_view reply) {
      const bool may_be_told = session_ && session_->wants() == Session::Wants::input && !farewell_;
      if (!may_be_told || state_ == State::idle || !goodbye_.empty()) return hang_up(EndedBy::us);
      goodbye_ = reply;
      expect(kFarewellTime);
      asio::error_code ignored;
      if (state_ == State::reading) socket_.cancel(ignored);
    }

    /// Since when we wait for the client. Absent: it waits for us, or isn't let wait.
    [[nodiscard]] std::optional<Steady::time_point> waiting_since() const {
      if (farewell_ || !goodbye_.empty() || (session_ && session_->wants() == Session::Wants::settlement))
        return std::nullopt;
      return expected_since_;
    }
    [[nodiscard]] const std::optional<Prefix>& counted_as() const { return counted_as_; }
    void count_as(const Prefix& client) { counted_as_ = client; }

   private:
    using EndedBy = Session::EndedBy;

    [[nodiscard]] const ListenerSettings& settings() const { return terms_->settings; }
    enum class State : std::uint8_t { idle, reading, writing };

    void read_header() {
      state_ = State::reading;
      socket_.async_read_some(asio::buffer(buffer_),
                              [self = shared_from_this()](asio::error_code fault, std::size_t size) {
                                self->state_ = State::idle;
                                if (fault || self->closed_) return self->hang_up(EndedBy::us);
                                self->header_.append(self->buffer_.data(), size);
                                const auto header = parse_proxy_header(self->header_);
                                if (!header) {
                                  if (header.error() == ProxyFault::incomplete) return self->read_header();
                                  return self->hang_up(EndedBy::us);
                                }
                                // Whoever is behind the proxy, he is none of those whom we trust to speak for others.
                                self->peer_ = {.address = header->client, .anonymous = !header->client};
                                if (header->client) {
                                  const auto client = sender_of(*header->client);
                                  if (!self->listener_.may_have_another(client)) return self->hang_up(EndedBy::us);
                                  self->listener_.count(*self, client);
                                }
                                const auto rest = self->header_.substr(header->octets);
                                self->header_ = {};
                                self->speak();
                                if (!rest.empty() && self->session_) self->early_ = rest;
                              });
    }

    void speak() {
      session_ = std::make_unique<Session>(settings().session, listener_.budget_, peer_);
      pump();
    }

    /// Sends what is to be sent, then goes on with what the session wants. One operation is under way at a time.
    void pump() {
      if (closed_ || state_ != State::idle) return;
      if (!goodbye_.empty() && session_->wants() == Session::Wants::input) {
        session_->end(std::exchange(goodbye_, {}), EndedBy::us, settings().now());
      }
      hand_over_callouts();
      output_ = session_->take_output();
      if (!output_.empty()) {
        state_ = State::writing;
        const auto written = [self = shared_from_this()](asio::error_code fault, std::size_t) {
          self->state_ = State::idle;
          // It may never have read what we said, so nobody knows why it is gone.
          if (fault) return self->hang_up(EndedBy::us);
          self->pump();
        };
        if (tls_) {
          asio::async_write(*tls_, asio::buffer(output_), written);
        } else {
          asio::async_write(socket_, asio::buffer(output_), written);
        }
        return;
      }
      switch (session_->wants()) {
        case Session::Wants::input:
          return read();
        case Session::Wants::handshake:
          return handshake();
        case Session::Wants::settlement:
          expect(kSettlementTime);
          if (!handed_over_) {
            handed_over_ = true;
            listener_.hand_over(ticket_, session_->take_message());
          }
          return;
        case Session::Wants::close:
          return say_farewell();
      }
    }

    void read() {
      handed_over_ = false;
      // A new time for each whole command and each message, not for each octet: dripping gains nothing.
      if (session_->commands() != seen_commands_ || session_->in_data() != seen_data_) {
        seen_commands_ = session_->commands();
        seen_data_ = session_->in_data();
        expect(seen_data_ ? settings().data_time : settings().command_time);
      }
      if (!early_.empty()) {
        session_->receive(std::exchange(early_, {}), settings().now());
        return pump();
      }
      state_ = State::reading;
      const auto got = [self = shared_from_this()](asio::error_code fault, std::size_t size) {
        self->state_ = State::idle;
        if (self->closed_) return;
        if (fault && self->goodbye_.empty()) return self->hang_up(ended_by(fault));
        if (!fault) {
          self->session_->receive(std::string_view(self->buffer_.data(), size), self->settings().now());
        }
        self->pump();
      };
      if (tls_) {
        tls_->async_read_some(asio::buffer(buffer_), got);
      } else {
        socket_.async_read_some(asio::buffer(buffer_), got);
      }
    }

    void handshake() {
      expect(settings().command_time);
      tls_ = std::make_unique<asio::ssl::stream<Socket&>>(socket_, terms_->tls);
      state_ = State::writing;
      tls_->async_handshake(asio::ssl::stream_base::server, [self = shared_from_this()](asio::error_code fault) {
        self->state_ = State::idle;
        if (fault) return self->hang_up(EndedBy::us);
        self->session_->secured();
        self->pump();
      });
    }

    /// Our last line is sent. Closing with octets unread would take it away from the client (RFC 1122 §4.2.2.13).
    void say_farewell() {
      if (!farewell_) {
        farewell_ = true;
        expect(kFarewellTime);
        asio::error_code ignored;
        socket_.shutdown(Socket::shutdown_send, ignored);
      }
      state_ = State::reading;
      socket_.async_read_some(asio::buffer(buffer_), [self = shared_from_this()](asio::error_code fault, std::size_t) {
        self->state_ = State::idle;
        if (fault || self->closed_) return self->hang_up(EndedBy::us);
        self->say_farewell();
      });
    }

    /// A connection that was reset or timed out may have been so by anything in between.
    [[nodiscard]] static EndedBy ended_by(const asio::error_code& fault) {
      const bool is_closed = fault == asio::error::eof || fault == asio::ssl::error::stream_truncated;
      return is_closed ? EndedBy::client : EndedBy::us;
    }

    void hang_up(EndedBy by) {
      if (std::exchange(closed_, true)) return;
      if (session_) {
        session_->end("", by, settings().now());
        hand_over_callouts();
      }
      asio::error_code ignored;
      timer_.cancel();
      socket_.close(ignored);
      listener_.forget(*this, ticket_);
    }

    void hand_over_callouts() {
      for (auto& callout : session_->take_callouts()) listener_.hand_over_callout(std::move(callout));
    }

    void expect(Steady::duration within) {
      expected_since_ = Steady::now();
      deadline_ = std::min(expected_since_ + within, std::max(ends_at_, expected_since_ + kFarewellTime));
    }

    /// One timer that is set anew when it has run out too early: setting it for each command would cost more.
    void watch() {
      timer_.expires_at(std::min(deadline_, Steady::now() + std::chrono::seconds{1}));
      timer_.async_wait([self = shared_from_this()](asio::error_code fault) {
        if (fault || self->closed_) return;
        if (Steady::now() >= self->deadline_) self->send_away("421 4.4.2 You took too long");
        if (!self->closed_) self->watch();
      });
    }

    Impl& listener_;
    Socket socket_;
    std::shared_ptr<Terms> terms_;  ///< before whatever goes by them
    std::unique_ptr<asio::ssl::stream<Socket&>> tls_;
    asio::steady_timer timer_;
    Ticket ticket_;
    Session::Peer peer_;
    std::unique_ptr<Session> session_;  ///< once it is known who speaks
    std::optional<Prefix> counted_as_;
    State state_ = State::idle;
    bool handed_over_ = false;
    bool farewell_ = false;
    bool closed_ = false;
    std::string header_;   ///< of the PROXY protocol, so far
    std::string early_;    ///< what came behind it
    std::string output_;   ///< being sent
    std::string goodbye_;  ///< to be said instead of reading on
    std::uint64_t seen_commands_ = 0;
    bool seen_data_ = false;
    Steady::time_point expected_since_ = Steady::now();
    Steady::time_point deadline_;
    Steady::time_point ends_at_;
    std::array<char, kRead> buffer_{};
  };

  [[nodiscard]] static std::string mend_for(const asio::error_code& fault) {
    if (fault == asio::error::address_in_use) return "; another program has it: stop that, or name another address";
    if (fault == asio::error::access_denied) {
      return "; ports below 1024 need CAP_NET_BIND_SERVICE, a unix socket a folder that we may write";
    }
    return "";
  }

  /// In the thread, or before there is one. An error leaves nothing behind.
  [[nodiscard]] std::expected<Ready, feed::FeedError> make_ready(ListenerSettings settings) {
    settings.session.offers_tls = true;
    Ready ready;
    // A certificate in files is read anew each time: it may have been renewed. One of our own making stays.
    if (terms_ && settings.certificate.chain.empty() && terms_->settings.certificate.chain.empty() &&
        terms_->settings.session.hostname == settings.session.hostname) {
      SSL_CTX_up_ref(terms_->tls.native_handle());
      ready.terms = std::make_shared<Terms>(
          Terms{.settings = std::move(settings), .tls = asio::ssl::context(terms_->tls.native_handle())});
    } else {
      auto tls = tls_context(settings.certificate, settings.session.hostname);
      if (!tls) return std::unexpected(feed::FeedError{tls.error()});
      ready.terms = std::make_shared<Terms>(Terms{.settings = std::move(settings), .tls = std::move(*tls)});
    }
    for (const auto& endpoint : ready.terms->settings.listen) {
      const auto name = name_of(endpoint);
      if (places_.contains(name)) continue;
      auto& place = ready.fresh[name];
      place = std::make_shared<Place>(io_);
      if (const auto fault = listen(*place, endpoint)) {
        return std::unexpected(
            feed::FeedError{fmt::format("can't listen on {}: {}{}", name, fault.message(), mend_for(fault))});
      }
    }
    return ready;
  }

  /// In the thread, or before there is one.
  void take_over(Ready ready) {
    terms_ = std::move(ready.terms);
    gate_.judge_by(terms_->settings.session.witness_of);
    const auto& wanted = terms_->settings.listen;
    std::erase_if(places_, [&](const auto& known) {
      if (std::ranges::any_of(wanted, [&](const Endpoint& at) { return name_of(at) == known.first; })) return false;
      known.second->shut();
      return true;
    });
    for (const auto& [name, place] : ready.fresh) {
      places_.emplace(name, place);
      accept(place);
    }
  }

  /// Has it done by the thread, and waits.
  template <typename Work>
  std::invoke_result_t<Work> in_thread(Work work) {
    std::packaged_task<std::invoke_result_t<Work>()> task(std::move(work));
    auto done = task.get_future();
    asio::post(io_, [&task] { task(); });
    return done.get();
  }

  [[nodiscard]] asio::error_code listen(Place& place, const Endpoint& endpoint) {
    auto& acceptor = place.acceptor;
    asio::error_code fault;
    const auto* const path = std::get_if<std::string>(&endpoint);
    asio::generic::stream_protocol::endpoint at;
    if (path != nullptr) {
      remove_dead_socket(*path);
      at = asio::local::stream_protocol::endpoint(*path);
    } else {
      at = tcp_endpoint(std::get<InternetEndpoint>(endpoint));
    }
    acceptor.open(at.protocol(), fault);
    if (path == nullptr) {
      if (!fault) acceptor.set_option(asio::socket_base::reuse_address(true), fault);
      if (!fault && at.protocol().family() == AF_INET6) acceptor.set_option(asio::ip::v6_only(true), fault);
    }
    if (!fault) acceptor.bind(at, fault);
    if (!fault && path != nullptr) place.made_path = *path;
    if (!fault) acceptor.listen(asio::socket_base::max_listen_connections, fault);
    return fault;
  }

  /// A socket file that nobody listens at was left by a program that was killed.
  void remove_dead_socket(const std::string& path) {
    struct stat file{};
    if (stat(path.c_str(), &file) != 0 || !S_ISSOCK(file.st_mode)) return;
    asio::local::stream_protocol::socket probe(io_);
    asio::error_code fault;
    probe.connect(asio::local::stream_protocol::endpoint(path), fault);
    if (fault == asio::error::connection_refused) unlink(path.c_str());
  }

  void accept(const std::shared_ptr<Place>& place) {
    auto socket = std::make_shared<Socket>(io_);
    place->acceptor.async_accept(*socket, [this, place, socket](asio::error_code fault) {
      if (closing_ || !place->acceptor.is_open()) return;
      if (fault) {
        // Out of descriptors, mostly. The connection waits in the kernel meanwhile.
        auto pause = std::make_shared<asio::steady_timer>(io_, kNoDescriptorPause);
        pause->async_wait([this, place, pause](asio::error_code) {
          if (!closing_ && place->acceptor.is_open()) accept(place);
        });
        return;
      }
      welcome(std::move(*socket));
      accept(place);
    });
  }

  void welcome(Socket socket) {
    asio::error_code fault;
    const auto remote = socket.remote_endpoint(fault);
    if (fault) return;
    const auto address = address_of(remote.data());
    const Session::Peer peer{.address = address, .trusted = !address || is_trusted(*address)};
    if (terms_->settings.proxy_protocol && !peer.trusted) return;
    if (address) socket.set_option(asio::ip::tcp::no_delay(true), fault);
    const bool is_counted = address && !peer.trusted;
    if (connections_.size() >= terms_->settings.connections && !make_room({})) return turn_away(socket);
    if (is_counted && !may_have_another(sender_of(*address))) return turn_away(socket);
    const Ticket ticket = ++last_ticket_;
    auto connection = std::make_shared<Connection>(*this, std::move(socket), ticket, peer);
    connections_.emplace(ticket, connection);
    if (is_counted) count(*connection, sender_of(*address));
    connection->begin();
  }

  static void turn_away(Socket& socket) {
    asio::error_code ignored;
    socket.non_blocking(true, ignored);
    constexpr std::string_view kBusy = "421 4.3.2 Too many connections; try again later\r\n";
    socket.write_some(asio::buffer(kBusy), ignored);
  }

  /// True: there is more.
  [[nodiscard]] bool take(const feed::Bounds& bounds, std::vector<Arrived>& taken) {
    const std::scoped_lock lock(mutex_);
    std::size_t octets = 0;
    while (!messages_.empty() && taken.size() < bounds.items && octets < bounds.octets) {
      octets += messages_.front().delivery.message.size();
      taken.push_back({.ticket = messages_.front().ticket,
                       .item = {.where = fmt::format("session {}", messages_.front().ticket),
                                .content = std::move(messages_.front().delivery)}});
      messages_.pop_front();
    }
    while (!callouts_.empty() && taken.size() < bounds.items) {
      taken.push_back({.ticket = kNobody, .item = {.where = "callout", .content = std::move(callouts_.front())}});
      callouts_.pop_front();
    }
    return !messages_.empty() || !callouts_.empty();
  }

  void wake() const {
    const std::uint64_t one = 1;
    static_cast<void>(!write(wake_, &one, sizeof one));
  }

  [[nodiscard]] bool is_trusted(const IpAddress& address) const {
    const auto& relays = terms_->settings.trusted_relays;
    return std::ranges::any_of(relays, [&](const Prefix& relay) { return relay.contains(address); });
  }

  [[nodiscard]] bool may_have_another(const Prefix& client) {
    const auto found = by_client_.find(client);
    return found == by_client_.end() || found->second < terms_->settings.connections_per_client || make_room(client);
  }

  void count(Connection& connection, const Prefix& client) {
    ++by_client_[client];
    connection.count_as(client);
  }

  /// The connection that has kept us waiting longest gives way, of `client` or of all. False: none has for long.
  [[nodiscard]] bool make_room(const std::optional<Prefix>& client) {
    std::shared_ptr<Connection> slowest;
    auto since = Steady::now() - kPatience;
    for (const auto& [ticket, connection] : connections_) {
      if (client && connection->counted_as() != client) continue;
      const auto waiting = connection->waiting_since();
      if (!waiting || *waiting > since) continue;
      since = *waiting;
      slowest = connection;
    }
    if (!slowest) return false;
    slowest->send_away("421 4.3.2 Others need the place");
    return true;
  }

  void forget(const Connection& connection, Ticket ticket) {
    if (const auto& client = connection.counted_as()) {
      const auto found = by_client_.find(*client);
      if (found != by_client_.end() && --found->second == 0) by_client_.erase(found);
    }
    connections_.erase(ticket);
    // Its share of the memory is given back, and it was never told that its message is stored, so it sends it again.
    const std::scoped_lock lock(mutex_);
    std::erase_if(messages_, [&](const Message& message) { return message.ticket == ticket; });
  }

  void hand_over(Ticket ticket, TrapDelivery message) {
    {
      const std::scoped_lock lock(mutex_);
      messages_.push_back({.ticket = ticket, .delivery = std::move(message)});
    }
    wake();
  }

  void hand_over_callout(TrapDelivery callout) {
    // Who leaves while we close may do so because of that.
    if (closing_) return;
    {
      const std::scoped_lock lock(mutex_);
      if (callouts_.size() >= kMostCallouts || !gate_.admits(callout)) return;
      callouts_.push_back(std::move(callout));
    }
    wake();
  }

  void farewell() {
    closing_ = true;
    for (const auto& [name, place] : places_) place->shut();
    places_.clear();
    const auto all = connections_;
    for (const auto& [ticket, connection] : all) connection->send_away("421 4.3.2 Closing; try again later");
    // Whoever doesn't take its leave in time is cut off.
    farewell_timer_.expires_after(kFarewellTime);
    farewell_timer_.async_wait([this](asio::error_code) { io_.stop(); });
    leave_when_empty();
  }

  void leave_when_empty() {
    if (connections_.empty()) return io_.stop();
    asio::post(io_, [this] {
      auto pause = std::make_shared<asio::steady_timer>(io_, std::chrono::milliseconds{5});
      pause->async_wait([this, pause](asio::error_code) { leave_when_empty(); });
    });
  }

  asio::io_context io_{1};

  // The thread's own, once there is one.
  Budget budget_;
  feed::CalloutGate gate_;
  std::shared_ptr<Terms> terms_;
  Places places_;
  asio::steady_timer farewell_timer_{io_};
  std::unordered_map<Ticket, std::shared_ptr<Connection>> connections_;
  std::map<Prefix, std::size_t> by_client_;
  Ticket last_ticket_ = kNobody;
  bool closing_ = false;

  int wake_ = -1;
  std::thread thread_;

  struct Message {
    Ticket ticket = kNobody;
    TrapDelivery delivery;
  };

  std::mutex mutex_;  ///< guards what follows
  std::deque<Message> messages_;
  std::deque<TrapDelivery> callouts_;
};

Listener::Listener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Listener::~Listener() = default;

std::expected<std::unique_ptr<Listener>, feed::FeedError> Listener::open(ListenerSettings settings) {
  auto impl = std::make_unique<Impl>(settings);
  if (auto opened = impl->open(std::move(settings)); !opened) return std::unexpected(std::move(opened).error());
  return std::unique_ptr<Listener>(new Listener(std::move(impl)));
}

std::vector<Listener::Arrived> Listener::take(const feed::Bounds& bounds) { return impl_->take(bounds); }
void Listener::settle(std::vector<Ticket> tickets, bool stored) { impl_->settle(std::move(tickets), stored); }
std::expected<std::function<void()>, feed::FeedError> Listener::prepare(ListenerSettings settings) {
  return impl_->prepare(std::move(settings));
}
int Listener::wake_fd() const { return impl_->wake_fd(); }

}  // namespace blowback::smtp
