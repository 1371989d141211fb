"""Invented vendors, products and the names of their parts."""

TEXT = r"""
vendor := *4 «coined|cap»
  ¦ *2 «coined|cap» «=Systems~Labs~Software~Networks~Technologies~Solutions~Group~Media~Digital~Works~Studio~Security~Interactive»
  ¦ «coined|cap»«=soft~ware~tech~net~sys~data~press~hub~cloud~logic» ¦ «coined|cap» & «coined|cap» ¦ «coined»-«coined»
  ¦ The «coined|cap» Project ¦ «coined|cap» «=Inc.~Ltd.~GmbH~Co.~Foundation~AG»
product_name := «coined|cap» ¦ «coined|cap»
  ¦ «coined|cap»«=Desk~Flow~Board~Store~Cast~Link~View~Gate~Base~Mail~Track~Wiki~Forge~Vault~Pad~Shop~Meet~Pay~Stack~Port»
product_wordpress := *2 «$name» ¦ «$name» plugin ¦ «$name» for WordPress
  ¦ «$name» «=Gallery~Forms~Slider~Booking~Backup~Events~SEO~Reviews~Membership~Newsletter~Popup~Importer~Chat~Quiz~Cart~Calendar»
  ¦ WP «$name» ¦ Easy «$name» ¦ Simple «$name» ¦ «$name» Pro
product_php := «$name» CMS
  ¦ «$name» «=ERP~CRM~Forum~Blog~Hotel Management System~Inventory System~Gallery~Helpdesk~School System~Billing~Guestbook~Clinic Manager~Library System~Job Portal~Voting System~Shop»
  ¦ php«$name» ¦ «$name» ¦ Online «$name» Portal ¦ Open«$name»
product_joomla := com_«$name|lower» ¦ «$name» component ¦ «$name» extension ¦ «$name» CMS ¦ «$name» Portal
product_java := «$name» Server
  ¦ «$name» «=Application Server~Portal~BPM~Integration Server~Reporting~Identity Manager~Workflow~Data Hub~Service Desk~Office~Message Broker»
  ¦ j«$name» ¦ «$name» Platform ¦ «$name» Enterprise
product_struts := «$name» Framework ¦ «$name» MVC ¦ «$name» Portal ¦ «$name» Web Suite
product_aspnet := «$name».NET
  ¦ «$name» «=Web Center~Portal~Mail Server~File Transfer~Commerce~Intranet~Document Manager~HR~Gateway» ¦ «$name»
  ¦ «$name» Server «year»
product_rest := «$name» API
  ¦ «$name» «=Gateway~Hub~Cloud~Manager~Observability~Registry~Dashboard~Controller~Console~Scheduler» ¦ «$name»
  ¦ «$name» Platform
product_router := «$name» «model» ¦ «$name» «model» router
  ¦ «$name» «=router firmware~IP camera~NAS~gateway~DVR~VPN appliance~firewall~printer~access point~PLC web server~modem»
  ¦ «$name» «model» firmware
model := «=AC~RX~WR~DX~NB~TL~X~VR»«int» ¦ «=AC~RX~WR~DX~NB~TL~X~VR»-«dd»0 ¦ M«small»«d» ¦ «dd»00N
product_node := «$name» ¦ «$name|lower».js ¦ «$name|lower» package ¦ «$name» Chat ¦ «$name» Studio
product_graphql := «$name» GraphQL ¦ «$name» API ¦ «$name» Headless CMS
product_cgi := «$name» Monitor ¦ «$name» Webmail ¦ «$name» Stats ¦ «$name» Admin ¦ «$name» Search ¦ «$name» Panel
product_python := «$name» ¦ «$name» Notebook ¦ «$name» ML ¦ «$name» Tracker ¦ py«$name|lower» ¦ «$name» Workflow
"""  # noqa: E501
