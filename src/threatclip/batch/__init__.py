"""Work on files that outgrow one sitting or one machine: scored tables, followed logs."""
