"""Ordinary traffic: browsing, searching, forms, APIs, uploads, with look-alikes of attacks that are none."""

from threatclip.pairs.grammar.start import PARAM, Start

STARTS = (
    Start("value", weight=10, places=PARAM),
    Start("target", weight=8, places=("target",)),
    Start("form_body", weight=5, places=("formbody",)),
    Start("json_body", weight=6, places=("jsonbody",)),
    Start("part", weight=2, places=("part",)),
    Start("xml_body", weight=2, places=("xml",)),
    Start("look_alike", weight=6, places=PARAM),
    Start("header_value", weight=1, places=("header", "cookie")),
)

TEXT = r"""
first := Anna ¦ Ben ¦ Clara ¦ David ¦ Elena ¦ Farid ¦ Grace ¦ Hiro ¦ Ines ¦ Jonas ¦ Kemal ¦ Lucia ¦ Marek ¦ Nadia ¦ Olu
  ¦ Petra ¦ Quentin ¦ Rosa ¦ Sven ¦ Tara ¦ Uma ¦ Viktor ¦ Wei ¦ Ximena ¦ Yusuf ¦ Zoe ¦ Seán ¦ Zoë ¦ José ¦ Łukasz
last := O'Brien ¦ D'Angelo ¦ «coined|cap» ¦ «coined|cap» ¦ «coined|cap» ¦ «coined|cap»-«coined|cap»
  ¦ van der «coined|cap» ¦ Müller ¦ McSelect ¦ Union ¦ O'Neil ¦ Null ¦ Drop ¦ Script
thing := chair ¦ table ¦ lamp ¦ bicycle ¦ camera ¦ notebook ¦ coffee maker ¦ garden hose ¦ winter coat ¦ running shoes
  ¦ headphones ¦ keyboard ¦ bookshelf ¦ tent ¦ backpack ¦ guitar strings ¦ paint brush ¦ kettle ¦ suitcase ¦ desk fan
  ¦ phone case ¦ water bottle ¦ sleeping bag ¦ drill set ¦ mirror
adjective := red ¦ small ¦ cheap ¦ used ¦ wooden ¦ wireless ¦ large ¦ vintage ¦ blue ¦ waterproof ¦ foldable
  ¦ second-hand ¦ kids ¦ organic ¦ fast ¦ quiet ¦ 24" ¦ 5'10" ¦ <small> ¦ black & white ¦ 100% cotton
sentence := I would like to return the «thing» I ordered on «date». ¦ The «adjective» «thing» arrived today, thanks!
  ¦ Please call me back at «phone». ¦ How do I select the best «thing» from the list?
  ¦ We drop off the «thing» at the table near the union hall.
  ¦ Is it possible to update my order & delete the old address?
  ¦ My name is «first» «last» and I can't log in anymore... ¦ Great service; would buy again (5/5).
  ¦ When will order #«big» be shipped? ¦ It's a "«adjective»" «thing», isn't it?
  ¦ What is the difference between 3 < 5 and 5 > 3? ¦ Use the script in the manual, then restart the server.
  ¦ The price was $«int».«dd» or so; could you check? ¦ Let's meet at 10:00 && bring the «thing».
  ¦ I set the alarm to sleep for «small» hours. ¦ See page «small»/«dd» of the guide -- it explains everything.
date := «year»-0«small»-1«d» ¦ «dd»/0«small»/«year» ¦ 1«d». 0«small». «year» ¦ «year»0«small»1«d»
phone := +«dd» «dd» «int» «int» ¦ 555-01«dd» ¦ (0«dd») «int»«dd»
email := «first|lower».«coined»@«coined».example ¦ «coined»@«zone» ¦ «word»+«word»@«zone»
street := Calle ¦ Rue ¦ Via ¦ Avenida ¦ Plaza ¦ Chemin ¦ Weg ¦ Gasse ¦ Road ¦ Lane
value := *2 «street» «coined|cap» «dd», «small»º «letter|upper» ¦ «street» de «coined|cap»/«coined|cap», «int»
  ¦ *2 «coined»«dd» ¦ «big»«letter|upper» ¦ «d»«d»«d»«d» «d»«d»«d»«d» «d»«d»«d»«d»
  ¦ «coined».«coined»@«coined».«coined».example ¦ «rand»!«dd»#«letter|upper» ¦ «coined» «coined» «coined»
  ¦ «coined|cap» y «coined|cap» ¦ Añadir al carrito ¦ «thing» nº «dd» ¦ Wie geht's? «first» ¦ l'«coined» d'«coined»
  ¦ «dd»«letter|upper»«letter|upper»«int» ¦ «dd»:«dd» ¦ *3 «adjective» «thing» ¦ «thing» ¦ *2 «first» «last»
  ¦ *2 «sentence» ¦ *2 «int» ¦ «date» ¦ «phone» ¦ *2 «email» ¦ «uuid» ¦ «hex32» ¦ «word» ¦ «word»_«word»
  ¦ «coined|cap» «word» ¦ «small».«dd» ¦ -«dd».«int» ¦ true ¦ «word»,«word»,«word» ¦ https://«site»/«word»/«int»
  ¦ /«word»/«word».html ¦ «word».«=pdf~jpg~png~docx» ¦ en-US ¦ Europe/Berlin ¦ #«hex4»«dd» ¦ «b40» ¦ «int»x«int»
  ¦ «year» ¦ asc ¦ name:asc ¦ «dd»% ¦ «int» EUR ¦ «word» AND «word» ¦ "«adjective» «thing»" ¦ «thing» -«adjective»
  ¦ «word»* ¦ C++ «=developer~book~course» ¦ AT&T «thing» ¦ R&B ¦ rock'n'roll ¦ «first» O'«coined|cap» ¦ 9-to-5
  ¦ {"page":«small»,"size":«dd»} ¦ [«small»,«small»,«small»] ¦ «version» ¦ 日本語 ¦ Привет ¦ café crème ¦ naïve
  ¦ «coined»@«int»
look_alike := select a «thing» from the list ¦ union of «word»s ¦ drop in; «word» and more ¦ order by phone
  ¦ the table of «thing»s ¦ insert coin here ¦ update «date» -- please read ¦ «first» & «first» ¦ a || b ¦ cat food
  ¦ «=cat~dog~id~find~sort~head~sleep~time~watch~more~less~cut~host~last» «word» ¦ ping me later ¦ echo chamber
  ¦ who am i ¦ sleep (8 hours) ¦ ls-«int» ¦ bash guide ¦ python course «year» ¦ <3 this «thing» ¦ 3 < 4 ¦ x > y
  ¦ <«first»> ¦ on load capacity: «dd» kg ¦ alert: «thing» back in stock ¦ javascript tutorial
  ¦ script for the school play ¦ image src sizes ¦ ../ is the parent folder ¦ ... wait ... what
  ¦ C:\Users\«first»\Documents ¦ etc/other ¦ file:«word» ¦ www.«zone»/«word» ¦ https://«site»/login?next=/«word»
  ¦ /«word»/«word» ¦ http://«site»:8080/«word»?«word»=«int» ¦ {{ «word» }} ¦ {«word»} ¦ ${«word»} ¦ #{«int»}
  ¦ «int»*«int» ¦ «small»+«small»=«dd» ¦ 100% or nothing ¦ admin@«zone» ¦ root vegetables ¦ system of a down
  ¦ exec summary ¦ eval form «year» ¦ include «thing» in offer ¦ require signature ¦ print 2 copies ¦ php developer job
  ¦ java island ¦ runtime: «dd» min ¦ class of «year» ¦ java.util question ¦ O:«small» type blood ¦ «b40» ¦ rO0m 12
  ¦ AAEA flight ¦ !important ¦ "quoted" ¦ it's ¦ '«year» vintage' ¦ l'«word» ¦ 5' 11" ¦ -- sincerely, «first»
  ¦ /* «word» */ ¦ # «word» ¦ «first» or «first» = «word» ¦ 1=1 yes ¦ true and false ¦ «word»;«word»;«word» ¦ a=b&c=d
  ¦ `«word»` ¦ $«int».«dd» ¦ $price ¦ if (a) then b ¦ for i in list ¦ localhost party ¦ 10.0.«small» release
  ¦ version 127.0 ¦ <p>«sentence»</p> ¦ <b>«adjective»</b> «thing» ¦ <a href="https://«site»/«word»">«word»</a>
  ¦ data: «int» ¦ DTD «word» ¦ entity list ¦ redirect me to «word» ¦ backup «date».zip ¦ where id is «int»
  ¦ between «dd» and «int» ¦ like new ¦ null island ¦ char(8) ¦ concat tape ¦ benchmark «thing» ¦ version()
  ¦ user() manual ¦ 0x«hex4» ¦ time;out ¦ «word» | «word» ¦ «word» && «word»
target := *3 / ¦ *2 /«word» ¦ *2 /«word»/«word» ¦ /«word»/«int» ¦ /«word»?page=«small» ¦ /search?q=«thing|plus»
  ¦ /search?q=«look_alike|plus» ¦ /«word»?«name»=«int»&sort=«=asc~desc» ¦ /index.php?id=«int» ¦ /index.html
  ¦ /products/«int»-«coined» ¦ /blog/«year»/0«small»/«coined»-«coined» ¦ /static/css/main.«hex8».css
  ¦ /static/js/«word».js?v=«version» ¦ /assets/img/«word».«=png~jpg~svg» ¦ /favicon.ico ¦ /robots.txt
  ¦ /api/v«small»/«word»s?limit=«dd»&offset=«int» ¦ /api/v«small»/«word»s/«int» ¦ /api/users/me ¦ /login ¦ /logout
  ¦ /login?next=/«word»/ ¦ /redirect?url=/«word» ¦ /wp-content/themes/«coined»/style.css?ver=«version»
  ¦ /wp-content/uploads/«year»/0«small»/«word»-«int»x«int».jpg ¦ /wp-json/wp/v2/posts?per_page=«small» ¦ /feed/
  ¦ /sitemap.xml ¦ /«word».aspx?id=«uuid» ¦ /«word».do?action=«word» ¦ /download?file=«word».pdf
  ¦ /image?src=/media/«word».jpg&w=«int» ¦ /rss.xml ¦ /help/faq#«word» ¦ /calendar?from=«year»-01-01&to=«year»-12-31
  ¦ /account/orders/«big» ¦ /health ¦ /metrics ¦ /graphql?query={me{name}} ¦ /cart/add?sku=«int»&qty=«small» ¦ /lang/en
  ¦ /fonts/«coined».woff2 ¦ /manifest.json ¦ /sso/callback?code=«rand20»&state=«hex16»
  ¦ /track?utm_source=«word»&utm_medium=«word»&utm_campaign=«coined»
form_body := *2 username=«email|plus»&password=«rand»
  ¦ name=«first»+«last|plus»&email=«email|plus»&message=«sentence|plus» ¦ q=«thing|plus»&category=«word»
  ¦ «name»=«value|plus»&«name»=«value|plus» ¦ action=heartbeat&interval=«dd»&_nonce=«hex8»
  ¦ comment=«sentence|plus»&post_id=«int» ¦ quantity=«small»&product_id=«int»&csrf_token=«hex32»
  ¦ log=«coined»&pwd=«rand»&wp-submit=Log+In ¦ «name»=«look_alike|plus»
  ¦ address=«coined|cap»+St.+«dd»&city=«coined|cap»&zip=«int»«d» ¦ newsletter=1&email=«email|plus»
  ¦ grant_type=refresh_token&refresh_token=«b40|url» ¦ settings[theme]=dark&settings[lang]=en
json_body := *2 {"username":"«email»","password":"«rand»"} ¦ {"«name»":"«value|js»","«name»":«int»}
  ¦ {"query":"query { me { id name } }"} ¦ {"query":"{ products(first: «dd») { id title price } }"}
  ¦ {"event":"«word»","ts":«big»,"props":{"«word»":"«word»"}} ¦ {"items":[{"sku":"«rand»","qty":«small»}],"coupon":null}
  ¦ {"jsonrpc":"2.0","method":"«word».get","params":{"id":«int»},"id":«small»}
  ¦ {"name":"«first» «last»","email":"«email»"} ¦ {"message":"«sentence|js»"}
  ¦ {"filter":{"status":"active","page":«small»}} ¦ {"lat":«dd».«int»,"lon":«dd».«int»}
  ¦ {"query":"«look_alike|js»","size":«dd»} ¦ {"title":"«look_alike|js»","tags":["«word»","«word»"]}
  ¦ {"settings":{"theme":"dark","notifications":true}} ¦ {"metric":"cpu.load","value":0.«dd»,"host":"«coined»"}
  ¦ {"url":"https://«site»/«word»","title":"«thing»"}
part := Content-Disposition: form-data; name="«=file~avatar~photo~document»"; filename="«word»_«int».jpg"«cr»«nl»Content-Type: image/jpeg«cr»«nl»«cr»«nl»«xff»«xd8»«xff»«xe0»«nul»«x10»JFIF«nul»«rand20»
  ¦ Content-Disposition: form-data; name="file"; filename="«word»-«year».pdf"«cr»«nl»Content-Type: application/pdf«cr»«nl»«cr»«nl»%PDF-1.4«nl»«rand20»
  ¦ Content-Disposition: form-data; name="file"; filename="«word».csv"«cr»«nl»Content-Type: text/csv«cr»«nl»«cr»«nl»id,name,price«nl»«int»,«thing»,«int»
  ¦ Content-Disposition: form-data; name="file"; filename="«word».png"«cr»«nl»Content-Type: image/png«cr»«nl»«cr»«nl»«x89»PNG«cr»«nl»«x1a»«nl»«rand20»
  ¦ Content-Disposition: form-data; name="«name»"«cr»«nl»«cr»«nl»«value»
  ¦ Content-Disposition: form-data; name="import"; filename="«word».xml"«cr»«nl»Content-Type: text/xml«cr»«nl»«cr»«nl»<?xml version="1.0"?><items><item id="«int»">«thing»</item></items>
xml_body := <?xml version="1.0" encoding="UTF-8"?><order><id>«int»</id><item>«thing»</item><qty>«small»</qty></order>
  ¦ <soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><Get«coined|cap»><Id>«int»</Id></Get«coined|cap»></soap:Body></soap:Envelope>
  ¦ <?xml version="1.0"?><methodCall><methodName>«word».get</methodName><params><param><value><int>«int»</int></value></param></params></methodCall>
  ¦ <?xml version="1.0"?><!DOCTYPE note><note><to>«first»</to><body>«sentence|html»</body></note>
  ¦ <rss version="2.0"><channel><title>«coined|cap»</title></channel></rss>
  ¦ <svg xmlns="http://www.w3.org/2000/svg" width="«dd»" height="«dd»"><circle cx="«dd»" cy="«dd»" r="«small»"/></svg>
  ¦ <propfind xmlns="DAV:"><prop><displayname/></prop></propfind>
header_value := «hex32» ¦ «uuid» ¦ https://«site»/«word» ¦ «b40» ¦ «word»=«int» ¦ W/"«hex16»" ¦ «priv» ¦ «site»
  ¦ Basic «rand|b64»
"""  # noqa: E501
