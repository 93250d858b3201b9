package teamchattest

import "strings"

// language is what the generator writes in. Words come roughly by how often people use them.
type language struct {
	words  []string
	first  []string // names of people, ASCII
	last   []string
	space  string // between words
	stop   string // after a sentence
	rooms  []string
	weight int // share among users and channels
}

// languages are the word lists of the generator, our own.
var languages = []language{
	{
		weight: 35, space: " ", stop: ".",
		words: strings.Fields(`a je to v na se že s z do pro ale už tak jak jen co když by i ještě mám prosím díky dnes zítra máme podle
			musíme bude není můžeme nebo jsem jsme si po od který nový zákazník faktura smlouva objednávka termín schůzka porada dodavatel sklad
			zboží cena nabídka rozpočet účet platba projekt úkol verze chyba oprava server záloha heslo přístup zpráva příloha tabulka výkaz
			podpis souhlasím hotovo pošlu poslal čekám potřebuji zkontroluj doplním odpoledne ráno týden měsíc čtvrtletí doprava řidič auto
			výroba linka stroj údržba náhradní díl kvalita reklamace vrátit žluťoučký kůň příští pondělí pátek oběd dovolená nemocná zastoupí
			kancelář tiskárna klíče telefon volal napsal odpověděl rychle pomalu důležité nutné možná určitě škoda super výborně pěkně spolu
			společně rozhodnutí schválit zamítnout plán výsledek rozdíl procento částka měna koruna kurz daň úřad audit kontrola archiv doklad`),
		first: strings.Fields("Jana Petr Eva Tomas Lucie Martin Hana Jakub Tereza Ondrej Alena Pavel Marie Karel"),
		last:  strings.Fields("Novakova Svoboda Dvorak Cerna Prochazka Kucera Vesela Horak Nemcova Marek Pokorna Kral Ruzicka Benes"),
		rooms: strings.Fields("obecné obchod fakturace sklad výroba porady doprava kvalita"),
	},
	{
		weight: 35, space: " ", stop: ".",
		words: strings.Fields(`the to and of a in is it for on that we you I this be with are have not at as can will was if or but from by an do
			please thanks today tomorrow just about there what when they our your need see ok meeting customer invoice contract order deadline
			release build test server deploy branch review merge ticket issue bug fix log error timeout database query index cache token login
			password backup restore archive export report quarter budget forecast revenue margin turnover pricing discount offer supplier
			warehouse shipment delivery truck driver schedule shift maintenance quality audit legal hold retention policy approve reject draft
			final version attached file spreadsheet slide deck call agenda minutes follow up next week Monday Friday lunch holiday sick remote
			office printer keys phone quick slow important maybe certainly great nice team plan result difference percent amount currency tax
			looks good to me will check asked answered waiting blocked done started finished moved renamed updated deleted restored agreed`),
		first: strings.Fields("Ann Bob Carol Dave Erin Frank Grace Henry Iris Jack Kate Liam Mia Noah Olive Paul"),
		last:  strings.Fields("Archer Baker Carter Dixon Ellis Foster Grant Hughes Irving Jordan Keller Lawson Mercer Norris Owens Palmer"),
		rooms: strings.Fields("general random engineering sales support releases incidents people"),
	},
	{
		weight: 20, space: " ", stop: ".",
		words: strings.Fields(`die der und das ist in zu nicht ich wir es mit auf für den von ein eine auch wie im sich dass aber noch bei nach haben
			sind kann wird bitte danke heute morgen schon mal nur oder wenn dann Kunde Rechnung Vertrag Bestellung Termin Besprechung Lieferant
			Lager Lieferung Preis Angebot Budget Konto Zahlung Projekt Aufgabe Version Fehler Behebung Server Sicherung Kennwort Zugang Nachricht
			Anhang Tabelle Bericht Unterschrift einverstanden erledigt schicke geschickt warte brauche prüfen ergänzen nachmittags früh Woche
			Monat Quartal Spedition Fahrer Fertigung Maschine Wartung Ersatzteil Qualität Reklamation zurück nächsten Montag Freitag Mittag
			Urlaub krank Vertretung Büro Drucker Schlüssel Telefon angerufen geantwortet schnell langsam wichtig nötig vielleicht sicher schade
			super prima gemeinsam Entscheidung freigeben ablehnen Plan Ergebnis Unterschied Prozent Betrag Währung Steuer Prüfung Archiv Beleg
			Größe Straße Übergabe Änderung möglich Verfügung Geschäftsführung Datenschutz Aufbewahrung Frist Mahnung Umsatz Marge Rabatt`),
		first: strings.Fields("Anke Bernd Claudia Dieter Elke Florian Gisela Holger Ines Jens Katrin Lars"),
		last:  strings.Fields("Ackermann Becker Conrad Drechsler Ebert Fischer Graf Hartmann Jansen Kaufmann Lorenz Vogel"),
		rooms: strings.Fields("Vertrieb Einkauf Buchhaltung Logistik Technik Kantine"),
	},
	{
		weight: 10, space: "", stop: "。",
		words: strings.Fields(`の は を に が で と も です ます から まで した する して ください ありがとう お願い 今日 明日 会議 資料 確認 連絡 送付 見積 請求書 契約
			注文 納期 在庫 出荷 工場 品質 検査 修正 不具合 サーバー バックアップ パスワード 添付 ファイル 報告 予算 売上 今週 来週 月曜日 金曜日 午後 午前 休暇
			担当 対応 完了 予定 変更 承認 問題 了解 了解しました 至急 電話 メール 東京 大阪 本社 新しい 古い 早い 遅い 大丈夫 たぶん 必要 可能 開発 テスト リリース 議事録
			共有 検索 保存 削除 復元 監査 規程 期限 部長 課長 営業 経理 総務 すみません お疲れ様 よろしく`),
		first: strings.Fields("Haruka Kenji Yuki Takashi Aiko Hiroshi Naomi Daichi"),
		last:  strings.Fields("Sato Suzuki Tanaka Watanabe Ito Yamamoto Nakamura Kobayashi"),
		rooms: strings.Fields("雑談 開発 営業 総務 品質管理"),
	},
	{
		weight: 5, space: " ", stop: ".",
		words: strings.Fields(`и в не на я что он с это по но мы как а к из у за от так же для вы все уже если только да или сегодня завтра спасибо
			пожалуйста договор счёт заказ встреча срок склад поставка цена бюджет проект задача ошибка сервер пароль отчёт таблица файл вложение
			согласен готово жду нужно проверю неделя месяц понедельник пятница отпуск офис телефон быстро важно возможно решение план итог`),
		first: strings.Fields("Olga Ivan Natalia Sergey Irina Dmitry"),
		last:  strings.Fields("Orlova Volkov Lebedeva Sokolov Morozova Zaytsev"),
		rooms: strings.Fields("общий поставки"),
	},
	{
		weight: 5, space: " ", stop: ".",
		words: strings.Fields(`και το να η ο σε για με τα που από της δεν είναι την του τον θα στο αυτό μας σας πως ένα μια σήμερα αύριο ευχαριστώ
			παρακαλώ πελάτης τιμολόγιο σύμβαση παραγγελία συνάντηση προθεσμία αποθήκη παράδοση τιμή προσφορά έργο λάθος διακομιστής αντίγραφο
			κωδικός αναφορά πίνακας αρχείο συμφωνώ έτοιμο περιμένω χρειάζομαι εβδομάδα μήνας Δευτέρα Παρασκευή άδεια γραφείο τηλέφωνο γρήγορα`),
		first: strings.Fields("Eleni Nikos Maria Giorgos"),
		last:  strings.Fields("Papadaki Vlachos Ioannou Petridis"),
		rooms: strings.Fields("γενικά αποθήκη"),
	},
}

// syllables make the rare words, names of products and places that no list has.
var syllables = strings.Fields("ba ko ri mu sel tan vo zen dar pli qua fe nor lu gim ost ya wek hul tra bei shi mo ra cu den fli gor")

// snippets are code blocks: a language and a text in which %d becomes a number.
var snippets = [][2]string{
	{"go", "func retry(n int) error {\n\tfor range n {\n\t\tif err := call(%d); err == nil {\n\t\t\treturn nil\n\t\t}\n\t}\n\treturn errTimeout\n}"},
	{"sql", "SELECT customer, SUM(amount)\nFROM invoices\nWHERE due < '2024-06-01' AND id > %d\nGROUP BY customer;"},
	{"bash", "for f in /var/log/app-*.log; do\n  grep -c \"error %d\" \"$f\"\ndone"},
	{"python", "rows = [r for r in load(\"report.csv\") if r[\"total\"] > %d]\nprint(len(rows), \"řádků\")"},
	{"json", "{\"id\": %d, \"name\": \"Größe\", \"tags\": [\"a\", \"b\\\\c\"]}"},
	{"", "panic: runtime error: index out of range [%d]\n\ngoroutine 1 [running]:\nmain.main()"},
}

// reactionNames are what people react with.
var reactionNames = strings.Fields("thumbsup heart laughing tada eyes hankey white_check_mark")

// emoji end some messages.
var emoji = strings.Fields("🙂 👍 🎉 😅 🚚 📎 ❤️ 👩‍💻")
