// Kafka's own Java consumer and Avro's own decoder: prints every committed record of topics as a line of JSON, and then their ends.
//
//   java -cp KAFKA:AVRO CommittedReader.java BROKER REGISTRY TOPIC...
//
// It reads up to the high watermarks, so past every transaction that is open when it starts: until those have ended it waits.

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.io.DecoderFactory;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

public class CommittedReader {
  private static final int FRAME = 5; // A zero and the schema's id.
  private static final Duration PATIENCE = Duration.ofSeconds(90);

  private final String registry;
  private final HttpClient http = HttpClient.newHttpClient();
  private final ObjectMapper json = new ObjectMapper();
  private final Map<Integer, Schema> schemas = new HashMap<>();

  CommittedReader(String registry) {
    this.registry = registry;
  }

  private Schema schema(int id) throws IOException, InterruptedException {
    if (!schemas.containsKey(id)) {
      var request = HttpRequest.newBuilder(URI.create(registry + "/schemas/ids/" + id)).build();
      var answer = http.send(request, HttpResponse.BodyHandlers.ofString());
      if (answer.statusCode() != 200) {
        throw new IOException("schema " + id + ": " + answer.statusCode() + " " + answer.body());
      }
      schemas.put(id, new Schema.Parser().parse(json.readTree(answer.body()).get("schema").asText()));
    }
    return schemas.get(id);
  }

  private String text(byte[] bytes) throws IOException, InterruptedException {
    if (bytes == null) {
      return "null";
    }
    ByteBuffer frame = ByteBuffer.wrap(bytes);
    if (frame.get() != 0) {
      throw new IOException("no frame of the registry's");
    }
    var reader = new GenericDatumReader<Object>(schema(frame.getInt()));
    var decoder = DecoderFactory.get().binaryDecoder(bytes, FRAME, bytes.length - FRAME, null);
    Object value = reader.read(null, decoder);
    if (!decoder.isEnd()) {
      throw new IOException("bytes are left behind a value");
    }
    return value.toString();
  }

  private static KafkaConsumer<byte[], byte[]> consumer(String broker, String isolation) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", broker);
    properties.put("isolation.level", isolation);
    properties.put("enable.auto.commit", "false");
    properties.put("auto.offset.reset", "none");
    return new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  private void print(ConsumerRecord<byte[], byte[]> record, PrintStream out) throws IOException, InterruptedException {
    out.printf("{\"topic\":\"%s\",\"partition\":%d,\"offset\":%d,\"key\":%s,\"value\":%s}%n",
        record.topic(), record.partition(), record.offset(), text(record.key()), text(record.value()));
  }

  private void read(String broker, List<String> topics, PrintStream out) throws IOException, InterruptedException {
    try (var looker = consumer(broker, "read_uncommitted"); var consumer = consumer(broker, "read_committed")) {
      List<TopicPartition> places = new ArrayList<>();
      for (String topic : topics) {
        looker.partitionsFor(topic).forEach(each -> places.add(new TopicPartition(topic, each.partition())));
      }
      Map<TopicPartition, Long> ends = looker.endOffsets(places);
      consumer.assign(places);
      consumer.seekToBeginning(places);
      long deadline = System.nanoTime() + PATIENCE.toNanos();
      while (places.stream().anyMatch(place -> consumer.position(place) < ends.get(place))) {
        if (System.nanoTime() > deadline) {
          throw new IOException("not read to " + ends);
        }
        for (var record : consumer.poll(Duration.ofMillis(100))) {
          print(record, out);
          deadline = System.nanoTime() + PATIENCE.toNanos();
        }
      }
      for (TopicPartition place : places) {
        out.printf("{\"topic\":\"%s\",\"partition\":%d,\"end\":%d}%n", place.topic(), place.partition(), ends.get(place));
      }
    }
  }

  public static void main(String[] words) throws Exception {
    try (var out = new PrintStream(System.out, false, StandardCharsets.UTF_8)) {
      new CommittedReader(words[1]).read(words[0], Arrays.asList(words).subList(2, words.length), out);
    }
  }
}
