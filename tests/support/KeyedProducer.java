// Kafka's own Java client: sends one record for each key (a line of hexadecimal digits) and prints its partition.
//
//   java -cp KAFKA KeyedProducer.java BROKER TOPIC FILE

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public class KeyedProducer {
  public static void main(String[] words) throws Exception {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", words[0]);
    try (var producer =
        new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer())) {
      List<Future<RecordMetadata>> sent = new ArrayList<>();
      for (String line : Files.readAllLines(Path.of(words[2]))) {
        byte[] key = HexFormat.of().parseHex(line);
        sent.add(producer.send(new ProducerRecord<>(words[1], key, key)));
      }
      for (Future<RecordMetadata> each : sent) {
        System.out.println(each.get().partition());
      }
    }
  }
}
