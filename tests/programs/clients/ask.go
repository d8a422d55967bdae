// Asks each address as Go's own client does, compressed and not, and prints how much it was told.
package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

func ask(method, url string, headers map[string]string) (int, []byte) {
	request, err := http.NewRequest(method, url, nil)
	if err != nil {
		panic(err)
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		panic(fmt.Sprintf("%s %s: %v after %d bytes", method, url, err, len(body)))
	}
	return answer.StatusCode, body
}

func main() {
	for _, url := range os.Args[1:] {
		_, plain := ask("GET", url, map[string]string{"Accept-Encoding": "identity"})
		status, packed := ask("GET", url, nil)
		head, nothing := ask("HEAD", url, nil)
		if status != 200 || head != 200 || len(nothing) != 0 {
			panic(fmt.Sprintf("%s: %d, HEAD %d", url, status, head))
		}
		if strings.Contains(url, "/api/") && !bytes.Equal(plain, packed) {
			panic(fmt.Sprintf("%s: %d bytes, compressed %d", url, len(plain), len(packed)))
		}
		fmt.Println(len(packed), url)
	}
}
