import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.apache.spark.api.java.JavaSparkContext;

/** Says what the driver and an executor find in the file whose path it is given. */
public final class FromStore {
    public static void main(String[] arguments) throws IOException {
        String file = arguments[0];
        try (JavaSparkContext context = new JavaSparkContext(new SparkConf())) {
            System.out.println(found(file));
            context.parallelize(Collections.nCopies(1, file), 1)
                .mapPartitions(part -> List.of(found(part.next())).iterator())
                .collect()
                .forEach(System.out::println);
        }
    }

    private static String found(String file) throws IOException {
        return SparkEnv.get().executorId() + " found " + Files.readString(Path.of(file)).trim();
    }
}
