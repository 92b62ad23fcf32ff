// HTTP over libcurl.
#include "net/http_client.h"

#include <curl/curl.h>

#include <mutex>

#include "base/error.h"

namespace tailrace::net {
namespace {

void start_curl() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
      throw Error(ErrorKind::internal, "libcurl does not start.");
  });
}

struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

template <class Value>
void set(CURL* easy, CURLoption option, Value value) {
  if (curl_easy_setopt(easy, option, value) != CURLE_OK) {
    throw Error(ErrorKind::internal,
                "libcurl does not know option " + std::to_string(static_cast<int>(option)) + ".");
  }
}

struct Receiver {
  std::string* body = nullptr;
  std::size_t limit = 0;
  bool too_large = false;
};

std::size_t receive(char* bytes, std::size_t, std::size_t count, void* to) {
  auto& receiver = *static_cast<Receiver*>(to);
  if (receiver.body->size() + count > receiver.limit) {
    receiver.too_large = true;
    return 0;
  }
  receiver.body->append(bytes, count);
  return count;
}

// A server that does not take our certificate says so when its first answer is read (TLS 1.3): waiting does not mend it.
bool refuses_certificate(std::string_view reason) {
  for (const std::string_view alert :
       {"alert certificate required", "alert bad certificate", "alert unknown ca",
        "alert certificate unknown", "alert certificate expired", "alert unsupported certificate"}) {
    if (reason.find(alert) != std::string_view::npos) return true;
  }
  return false;
}

ErrorKind kind_of(CURLcode code, const std::string& url, std::string_view reason) {
  if (refuses_certificate(reason)) return ErrorKind::auth;
  switch (code) {
    // Of the answer, which is no HTTP, or of the address.
    case CURLE_UNSUPPORTED_PROTOCOL: return url.starts_with("http") ? ErrorKind::protocol : ErrorKind::config;
    case CURLE_URL_MALFORMAT:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_PEER_FAILED_VERIFICATION: return ErrorKind::config;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_WRITE_ERROR: return ErrorKind::protocol;
    default: return ErrorKind::unavailable;
  }
}

// Scheme, host and port: what may stand in a message.
std::string shown(const std::string& url) {
  const std::size_t begin = url.find("://");
  const std::size_t end = url.find_first_of("/?#", begin == std::string::npos ? 0 : begin + 3);
  return url.substr(0, end);
}

}  // namespace

struct HttpClient::Handles {
  CURLM* multi = curl_multi_init();
  CURL* easy = curl_easy_init();
  std::unique_ptr<curl_slist, ListDeleter> headers;
  Receiver receiver;
  char reason[CURL_ERROR_SIZE] = {};

  void add_header(const std::string& header) {
    curl_slist* const longer = curl_slist_append(headers.get(), header.c_str());
    TAILRACE_ASSERT(longer != nullptr);
    static_cast<void>(headers.release());
    headers.reset(longer);
  }

  Handles() = default;
  Handles(const Handles&) = delete;
  Handles& operator=(const Handles&) = delete;
  ~Handles() {
    curl_multi_remove_handle(multi, easy);
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
  }
};

HttpClient::HttpClient(HttpSettings settings) : settings_(std::move(settings)) {
  start_curl();
  handles_ = std::make_unique<Handles>();
  TAILRACE_ASSERT(handles_->multi != nullptr && handles_->easy != nullptr);
}

HttpClient::~HttpClient() = default;

void HttpClient::authenticate() {
  CURL* const easy = handles_->easy;
  if (!settings_.user.empty()) {
    set(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    set(easy, CURLOPT_USERNAME, settings_.user.c_str());
    set(easy, CURLOPT_PASSWORD, settings_.password.reveal().c_str());
  }
  if (!settings_.ca_file.empty()) set(easy, CURLOPT_CAINFO, settings_.ca_file.c_str());
  set(easy, CURLOPT_SSL_VERIFYPEER, settings_.verify ? 1L : 0L);
  set(easy, CURLOPT_SSL_VERIFYHOST, settings_.verify ? 2L : 0L);
  set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!settings_.certificate_file.empty()) set(easy, CURLOPT_SSLCERT, settings_.certificate_file.c_str());
  if (!settings_.key_file.empty()) set(easy, CURLOPT_SSLKEY, settings_.key_file.c_str());
  if (!settings_.key_password.empty()) set(easy, CURLOPT_KEYPASSWD, settings_.key_password.reveal().c_str());
}

void HttpClient::prepare(const HttpRequest& request, HttpAnswer& answer) {
  CURL* const easy = handles_->easy;
  curl_easy_reset(easy);  // Connections stay open.
  authenticate();
  set(easy, CURLOPT_URL, request.url.c_str());
  set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  // A proxy of the environment is meant for others, and would see what is sent.
  set(easy, CURLOPT_PROXY, "");
  set(easy, CURLOPT_NOSIGNAL, 1L);
  set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings_.connect_timeout.count()));
  set(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(settings_.timeout.count()));
  handles_->reason[0] = '\0';
  set(easy, CURLOPT_ERRORBUFFER, handles_->reason);
  handles_->receiver = {&answer.body, settings_.max_answer_bytes};
  set(easy, CURLOPT_WRITEFUNCTION, &receive);
  set(easy, CURLOPT_WRITEDATA, &handles_->receiver);

  set(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  handles_->headers.reset();
  for (const std::string& header : request.headers)
    handles_->add_header(header);
  handles_->add_header("Expect:");  // No question before a large body: not every server answers it.
  set(easy, CURLOPT_HTTPHEADER, handles_->headers.get());
  if (request.method == "GET") return;
  set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  set(easy, CURLOPT_POSTFIELDS, request.body.c_str());
}

HttpAnswer HttpClient::send(const HttpRequest& request, const std::stop_token& stop) {
  HttpAnswer answer;
  prepare(request, answer);
  CURLM* const multi = handles_->multi;
  // While it is added, the handles belong to the transfer.
  struct Added {
    Handles& handles;
    explicit Added(Handles& given) : handles(given) { curl_multi_add_handle(handles.multi, handles.easy); }
    Added(const Added&) = delete;
    Added& operator=(const Added&) = delete;
    ~Added() { curl_multi_remove_handle(handles.multi, handles.easy); }
  } const added(*handles_);
  const std::stop_callback wake(stop, [multi] { curl_multi_wakeup(multi); });

  int running = 1;
  while (running != 0) {
    if (stop.stop_requested())
      throw Error(ErrorKind::abandoned, "Stopped while " + shown(request.url) + " was asked.");
    CURLMcode code = curl_multi_perform(multi, &running);
    // libcurl wakes up by itself for its own times; the limit is for the case that it does not.
    if (code == CURLM_OK && running != 0) code = curl_multi_poll(multi, nullptr, 0, 1'000, nullptr);
    if (code != CURLM_OK) throw Error(ErrorKind::internal, curl_multi_strerror(code));
  }
  int left = 0;
  const CURLMsg* const message = curl_multi_info_read(multi, &left);
  TAILRACE_ASSERT(message != nullptr && message->msg == CURLMSG_DONE);
  const CURLcode result = message->data.result;
  if (handles_->receiver.too_large) {
    throw Error(ErrorKind::protocol, "The answer of " + shown(request.url) + " is larger than " +
                                         std::to_string(settings_.max_answer_bytes) + " bytes.");
  }
  if (result != CURLE_OK) {
    const char* const reason = handles_->reason[0] != '\0' ? handles_->reason : curl_easy_strerror(result);
    Error error(kind_of(result, request.url, reason), "Request to " + shown(request.url) + ": " + reason);
    if (error.kind() == ErrorKind::config)
      error.with(
          "remedy",
          "correct the URL, or the certificates that are set for it (ca_file, certificate_file, key_file)");
    if (error.kind() == ErrorKind::auth)
      error.with("remedy", "set certificate_file and key_file to a certificate that the server takes");
    throw Error(error);
  }
  long status = 0;
  curl_easy_getinfo(handles_->easy, CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  return answer;
}

std::string escaped_for_url(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
      continue;
    }
    constexpr std::string_view digits = "0123456789ABCDEF";
    out += '%';
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string fault_of_url(const std::string& url) {
  const std::unique_ptr<CURLU, UrlDeleter> parsed(curl_url());
  if (!url.starts_with("http://") && !url.starts_with("https://"))
    return "it begins neither with http:// nor https://";
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return "it is no URL";
  for (const CURLUPart part : {CURLUPART_USER, CURLUPART_PASSWORD}) {
    char* found = nullptr;
    if (curl_url_get(parsed.get(), part, &found, 0) != CURLUE_OK) continue;
    curl_free(found);
    return "it holds credentials, which have settings of their own";
  }
  return {};
}

}  // namespace tailrace::net
